/* SPDX-License-Identifier: ISC */
/*
 * The ring of past grants beside a plain array of all that was ever added: additions, resizes,
 * walks at once and walks that last, with names that share hashes and buckets. UNIT_SEED=S begins
 * with another seed.
 */
#include "history.h"
#include "who.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPERATIONS = 60000, SEEDS = 4, NAMES = 24, WHOS = 5, WALKS = 6, MAX = 300 };

/* A walk of both. Records have the numbers 1, 2, ... in the order in which they were added. */
struct walk {
	int name; /* -1: of all */
	uint64_t cursor;
	size_t number; /* of the record that it is at; 0: not begun */
};

struct model {
	unsigned seed;
	struct history *history;
	size_t max, kept, added;
	struct history_record *all; /* by number */
	struct who *whos[WHOS];
	struct walk walks[WALKS];
	char names[NAMES][128];
	size_t lens[NAMES];
	uint64_t hashes[NAMES];
};

static size_t
below(struct model *model, size_t n)
{
	return (size_t)rand_r(&model->seed) % n;
}

static void
choose_names(struct model *model)
{
	for (int i = 0; i < NAMES; i++) {
		memset(model->names[i], 'a' + i % 3, sizeof(model->names[i]));
		model->names[i][0] = (char)('a' + i);
		model->lens[i] = i == 0 ? 0 : 1 + below(model, i % 2 ? 127 : 40);
		/* Some the same, some the same in their low bits only. */
		model->hashes[i] = (uint64_t)(i % 7) + ((uint64_t)(i % 2) << 40);
	}
}

static bool
is_of(const struct model *model, size_t number, int name)
{
	return name < 0 || model->all[number].name == model->names[name];
}

/* The number before NUMBER (0: after the last) that is kept, and of that name; 0: none. */
static size_t
before(const struct model *model, size_t number, int name)
{
	size_t oldest = model->added - model->kept + 1;

	if (number == 0)
		number = model->added + 1;
	else if (number < oldest)
		return 0;
	while (--number >= oldest)
		if (is_of(model, number, name))
			return number;
	return 0;
}

/* One step of both; false: both have come to the end. */
static bool
step(struct model *model, struct walk *walk)
{
	struct history_record out;
	size_t number = before(model, walk->number, walk->name);
	bool more = walk->name < 0 ? history_next_any(model->history, &walk->cursor, &out)
				   : history_next(model->history, model->hashes[walk->name],
					 model->names[walk->name], model->lens[walk->name],
					 &walk->cursor, &out);

	assert_int_equal(more, number != 0);
	if (!more)
		return false;
	const struct history_record *in = &model->all[number];
	assert_int_equal(out.len, in->len);
	assert_memory_equal(out.name, in->name, in->len);
	assert_true(out.hash == in->hash && out.token == in->token && out.who == in->who);
	assert_true(out.waited_ms == in->waited_ms && out.slot == in->slot);
	assert_true(out.from_ns == in->from_ns && out.to_ns == in->to_ns);
	assert_true(out.mode == in->mode && out.end == in->end);
	walk->number = number;
	return true;
}

static void
check_mean(const struct model *model, int name)
{
	int64_t sum = 0, n = 0, mean = -1;
	bool known = history_mean_hold_ns(
	    model->history, model->hashes[name], model->names[name], model->lens[name], &mean);

	for (size_t i = 0; n < HISTORY_MEAN_OF && (i = before(model, i, name)) != 0; n++)
		sum += model->all[i].to_ns - model->all[i].from_ns;
	assert_int_equal(known, n > 0);
	if (known)
		assert_int_equal(mean, sum / n);
}

static void
check_references(const struct model *model)
{
	uint32_t refs[WHOS] = {0};

	for (size_t i = 0; (i = before(model, i, -1)) != 0;)
		for (int who = 0; who < WHOS; who++)
			refs[who] += model->all[i].who == model->whos[who];
	for (int who = 0; who < WHOS; who++)
		assert_int_equal(model->whos[who]->refs, refs[who] + 1);
	assert_int_equal(history_count(model->history), model->kept);
}

static void
check_all(struct model *model)
{
	struct walk walk = {.name = (int)below(model, NAMES + 1) - 1};

	while (step(model, &walk))
		continue;
	check_mean(model, (int)below(model, NAMES));
	check_references(model);
}

static void
add(struct model *model)
{
	/* Some names are taken much more often. */
	size_t name = below(model, 1 + below(model, NAMES)), who = below(model, WHOS + 1);
	struct history_record *in = &model->all[model->added + 1];

	*in = (struct history_record){.name = model->names[name],
	    .len = model->lens[name],
	    .hash = model->hashes[name],
	    .token = (uint64_t)rand_r(&model->seed) << 33,
	    .who = who < WHOS ? model->whos[who] : NULL,
	    .waited_ms = (uint32_t)rand_r(&model->seed),
	    .from_ns = rand_r(&model->seed),
	    .end = (enum history_end)below(model, 4),
	    .mode = (uint8_t)below(model, 256),
	    .slot = (uint16_t)below(model, 65536)};
	in->to_ns = in->from_ns + rand_r(&model->seed);
	history_add(model->history, in);
	if (model->max == 0)
		return;
	model->added++;
	model->kept += model->kept < model->max;
}

static void
operate(struct model *model)
{
	struct walk *walk = &model->walks[below(model, WALKS)];
	size_t chance = below(model, 600);

	if (chance == 0) {
		model->max = below(model, below(model, 4) ? 20 : MAX);
		assert_int_equal(history_resize(model->history, model->max), 0);
		if (model->kept > model->max)
			model->kept = model->max;
	}
	if (chance <= 20) {
		check_all(model);
	} else if (chance <= 100) {
		if (!step(model, walk))
			*walk = (struct walk){.name = (int)below(model, NAMES + 1) - 1};
	} else {
		add(model);
	}
}

static void
run(struct model *model)
{
	printf("# seed %u\n", model->seed);
	choose_names(model);
	model->max = 1 + below(model, MAX);
	model->history = history_new(model->max);
	model->all = calloc(OPERATIONS + 1, sizeof(*model->all));
	assert_non_null(model->history);
	assert_non_null(model->all);
	for (unsigned i = 0; i < WHOS; i++) {
		model->whos[i] = who_new(i, "w", i % 2, "unix:1", 1, 0);
		assert_non_null(model->whos[i]);
	}
	for (int i = 0; i < OPERATIONS; i++)
		operate(model);
	check_all(model);
	history_free(model->history);
	free(model->all);
	for (int i = 0; i < WHOS; i++) {
		assert_int_equal(model->whos[i]->refs, 1);
		who_unref(model->whos[i]);
	}
}

static void
a_history_is_what_an_array_would_be(void **state)
{
	const char *text = getenv("UNIT_SEED");
	unsigned first = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 1;

	(void)state;
	for (unsigned seed = first; seed < first + SEEDS; seed++) {
		struct model model = {.seed = seed};

		run(&model);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_history_is_what_an_array_would_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
