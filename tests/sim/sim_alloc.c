/* SPDX-License-Identifier: ISC */
/* The malloc family: counted, so that a leak is known in every build, and able to fail. */
#include "sim_kernel.h"

#include "sim_wrap.h"

static long blocks;

long
sim_allocated(void)
{
	return blocks;
}

static bool
may_allocate(void)
{
	if (!sim_running())
		return true;
	bool fails = sim_fails(SIM_ALLOC);
	sim_note(SIM_ALLOC, 0, fails ? -1 : 0);
	return !fails;
}

static void *
counted(void *block)
{
	blocks += block != NULL;
	return block;
}

void *
__wrap_malloc(size_t size)
{
	return may_allocate() ? counted(__real_malloc(size)) : NULL;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return may_allocate() ? counted(__real_calloc(count, size)) : NULL;
}

/* A failure leaves OLD as it was. */
void *
__wrap_realloc(void *old, size_t size)
{
	if (!may_allocate())
		return NULL;
	return old == NULL ? counted(__real_malloc(size)) : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return __real_reallocarray(old, count, size);
	return __wrap_realloc(old, total);
}

void *
__wrap_recallocarray(void *old, size_t old_count, size_t count, size_t size)
{
	if (!may_allocate())
		return NULL;
	void *block = __real_recallocarray(old, old_count, count, size);
	return old == NULL ? counted(block) : block;
}

char *
__wrap_strdup(const char *text)
{
	return may_allocate() ? counted(__real_strdup(text)) : NULL;
}

void
__wrap_free(void *old)
{
	blocks -= old != NULL;
	__real_free(old);
}
