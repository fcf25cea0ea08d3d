/* SPDX-License-Identifier: ISC */
/*
 * The pages of the library against its header: every function has one page, with the prototype of
 * the header; no page names what the header has not; structs are shown as they are; and the
 * examples compile. Reads lib/ and man/ below the working directory, or below $TOP.
 */
#include "unit.h"

#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_FUNCTIONS = 200, MAX_WORDS = 16, LINE_SIZE = 1000 };

static const char *
top(void)
{
	const char *dir = getenv("TOP");

	return dir ? dir : ".";
}

/* The whole of a file; the caller frees it. */
static char *
slurp(const char *path)
{
	FILE *in = fopen(path, "r");

	if (!in)
		fail_msg("%s: not found; run this from the top of the sources", path);
	assert_int_equal(fseek(in, 0, SEEK_END), 0);
	size_t size = (size_t)ftell(in);
	char *text = calloc(1, size + 1);

	rewind(in);
	if (!text || fread(text, 1, size, in) != size)
		fail_msg("%s: cannot be read", path);
	fclose(in);
	return text;
}

static char *
slurp_header(void)
{
	char path[LINE_SIZE];

	snprintf(path, sizeof(path), "%s/lib/dsock.h", top());
	return slurp(path);
}

/* The pages that match PATTERN; globfree. */
static glob_t
pages(const char *pattern)
{
	char path[LINE_SIZE];
	glob_t found;

	snprintf(path, sizeof(path), "%s/man/%s", top(), pattern);
	if (glob(path, 0, NULL, &found) != 0)
		fail_msg("%s: no such page", path);
	return found;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether TEXT has NAME as a whole word. */
static bool
has_word(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; (p = strstr(p, name)) != NULL; p += len)
		if ((p == text || !is_name_char(p[-1])) && !is_name_char(p[len]))
			return true;
	return false;
}

struct function {
	char name[64];
	int synopses; /* that have it */
};

struct header {
	char *text;
	struct function functions[MAX_FUNCTIONS];
	size_t n;
};

/* A function is what a line that begins with DS_API declares: the name before its first "(". */
static struct header
read_header(void)
{
	struct header header = {.text = slurp_header()};

	for (const char *p = header.text; (p = strstr(p, "\nDS_API ")) != NULL; p++) {
		const char *end = strchr(p, '('), *start = end;

		assert_non_null(end);
		while (is_name_char(start[-1]))
			start--;
		assert_true(header.n < MAX_FUNCTIONS);
		snprintf(header.functions[header.n++].name, sizeof(header.functions[0].name),
		    "%.*s", (int)(end - start), start);
	}
	assert_true(header.n > 0);
	return header;
}

static struct function *
find(struct header *header, const char *name)
{
	for (size_t i = 0; i < header->n; i++)
		if (strcmp(header->functions[i].name, name) == 0)
			return &header->functions[i];
	return NULL;
}

/* Takes a line off TEXT, with those that it continues on by a backslash. False: there is none. */
static bool
next_line(const char **text, char *line)
{
	size_t len = 0;

	if (**text == '\0')
		return false;
	for (; **text != '\0' && **text != '\n'; (*text)++) {
		if (strncmp(*text, "\\\n", 2) == 0) {
			(*text)++;
			continue;
		}
		assert_true(len < LINE_SIZE - 1);
		line[len++] = **text;
	}
	line[len] = '\0';
	*text += **text == '\n';
	return true;
}

/* Splits a macro line, in place, at its blanks; quotes hold a word together. */
static size_t
split(char *line, char *words[MAX_WORDS])
{
	size_t n = 0;

	for (char *p = line; *p != '\0';) {
		bool quoted = *p == '"';
		char *end = quoted ? strchr(++p, '"') : p + strcspn(p, " ");

		assert_non_null(end);
		assert_true(n < MAX_WORDS);
		words[n++] = p;
		p = end + (quoted ? 1 : 0);
		p += strspn(p, " ");
		*end = '\0';
	}
	return n;
}

/* What stands between a page's SYNOPSIS and its DESCRIPTION; the caller frees it. */
static char *
synopsis(const char *page)
{
	char *text = slurp(page), *part;
	const char *start = strstr(text, "\n.Sh SYNOPSIS\n");
	const char *end = start ? strstr(start, "\n.Sh DESCRIPTION\n") : NULL;

	if (!end)
		fail_msg("%s: no SYNOPSIS before a DESCRIPTION", page);
	part = strndup(start, (size_t)(end - start));
	free(text);
	return part;
}

static void
every_function_has_its_prototype_in_the_synopsis_of_one_page(void **state)
{
	struct header header = read_header();
	glob_t found = pages("dsock_*.3");

	(void)state;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *part = synopsis(found.gl_pathv[i]), line[LINE_SIZE], *words[MAX_WORDS];

		for (const char *p = part; next_line(&p, line);) {
			if (split(line, words) < 2 || strcmp(words[0], ".Fn") != 0 ||
			    words[1][0] == '(')
				continue;
			struct function *function = find(&header, words[1]);

			if (!function)
				fail_msg("%s: %s is not in dsock.h", found.gl_pathv[i], words[1]);
			function->synopses++;
		}
		free(part);
	}
	for (size_t i = 0; i < header.n; i++)
		if (header.functions[i].synopses != 1)
			fail_msg("%s: in %d synopses, not in one", header.functions[i].name,
			    header.functions[i].synopses);
	globfree(&found);
	free(header.text);
}

/* Has the compiler look at TEXT as a user of the library would. */
static void
compile(const char *page, const char *text)
{
	char path[] = P_tmpdir "/manual-XXXXXX.c", command[2 * LINE_SIZE];
	FILE *out = fdopen(mkstemps(path, 2), "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	snprintf(
	    command, sizeof(command), "cc -fsyntax-only -Wall -Werror -I'%s/lib' %s", top(), path);
	int status = system(command);

	unlink(path);
	if (status != 0)
		fail_msg("%s: does not compile:\n%s", page, text);
}

/* Writes a .Fn as a declaration; "(*NAME)" is the type of a function. */
static void
declare(FILE *out, const char *type, char *words[], size_t n)
{
	fprintf(out, "%s %s(", type, words[1]);
	for (size_t i = 2; i < n; i++)
		fprintf(out, "%s%s", i > 2 ? ", " : "", words[i]);
	fprintf(out, ");\n");
}

/* A second declaration that differs from the first is an error. */
static void
the_prototypes_and_types_are_those_of_the_header(void **state)
{
	glob_t found = pages("dsock_*.3");

	(void)state;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *part = synopsis(found.gl_pathv[i]), line[LINE_SIZE], *words[MAX_WORDS];
		char type[LINE_SIZE] = "", *code;
		size_t size, n;
		FILE *out = open_memstream(&code, &size);

		assert_non_null(out);
		fprintf(out, "#include <dsock.h>\n");
		for (const char *p = part; next_line(&p, line);) {
			if ((n = split(line, words)) < 2)
				continue;
			if (strcmp(words[0], ".Ft") == 0)
				snprintf(type, sizeof(type), "%s", words[1]);
			else if (strcmp(words[0], ".Fn") == 0)
				declare(out, type, words, n);
		}
		fclose(out);
		compile(found.gl_pathv[i], code);
		free(code);
		free(part);
	}
	globfree(&found);
}

/* Functions where they are marked as such, and every other name that begins like the library's. */
static void
no_page_names_what_the_header_has_not(void **state)
{
	struct header header = read_header();
	glob_t found = pages("dsock*.3");
	char name[LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = slurp(found.gl_pathv[i]);

		for (const char *p = text; *p != '\0'; p++) {
			if ((strncmp(p, "ds_", 3) != 0 && strncmp(p, "DS_", 3) != 0) ||
			    (p > text && is_name_char(p[-1])))
				continue;
			size_t len = 0;

			while (is_name_char(p[len]) && len < sizeof(name) - 1)
				len++;
			snprintf(name, sizeof(name), "%.*s", (int)len, p);
			bool marked = p - text > 3 && strncmp(p - 3, "Fn ", 3) == 0;

			/* The bare prefix stands for all of them. */
			if (len == 3)
				continue;
			if (marked ? !find(&header, name) : !has_word(header.text, name))
				fail_msg("%s: %s is not in dsock.h", found.gl_pathv[i], name);
		}
		free(text);
	}
	globfree(&found);
	free(header.text);
}

/* Takes the next literal block off TEXT, as a reader sees it; NULL: no more. The caller frees it.
 */
static char *
next_literal(const char **text)
{
	static const struct {
		const char *escape;
		char c;
	} escapes[] = {{"\\e", '\\'}, {"\\(aq", '\''}, {"\\(dq", '"'}, {"\\-", '-'}, {"\\&", 0}};
	const char *start = strstr(*text, "\n.Bd -literal");
	const char *end = start ? strstr(start, "\n.Ed\n") : NULL;

	if (!end)
		return NULL;
	*text = end;
	start = strchr(start + 1, '\n') + 1;
	char *block = strndup(start, (size_t)(end + 1 - start)), *to = block;

	for (const char *from = block; *from != '\0';) {
		size_t i = 0;

		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		while (i < sizeof(escapes) / sizeof(escapes[0]) &&
		       strncmp(from, escapes[i].escape, strlen(escapes[i].escape)) != 0)
			i++;
		if (i == sizeof(escapes) / sizeof(escapes[0]))
			fail_msg("an escape that is not known: %.4s", from);
		from += strlen(escapes[i].escape);
		if (escapes[i].c != 0)
			*to++ = escapes[i].c;
	}
	*to = '\0';
	return block;
}

static bool
is_program(const char *block)
{
	return strncmp(block, "#include", strlen("#include")) == 0;
}

static void
the_examples_compile(void **state)
{
	glob_t found = pages("dsock*.3");

	(void)state;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = slurp(found.gl_pathv[i]), *block;
		int programs = 0;

		for (const char *p = text; (block = next_literal(&p)) != NULL; free(block)) {
			if (!is_program(block))
				continue;
			compile(found.gl_pathv[i], block);
			programs++;
		}
		if (programs == 0)
			fail_msg("%s: no example", found.gl_pathv[i]);
		free(text);
	}
	globfree(&found);
}

/* TEXT without blanks and comments, in place. */
static void
squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0';) {
		if (strncmp(from, "/*", 2) == 0) {
			from = strstr(from, "*/");
			assert_non_null(from);
			from += 2;
		} else if (isspace((unsigned char)*from)) {
			from++;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static void
the_structs_are_shown_as_the_header_has_them(void **state)
{
	char *header = slurp_header(), *block;
	glob_t found = pages("dsock_*.3");
	int structs = 0;

	(void)state;
	squeeze(header);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = slurp(found.gl_pathv[i]);

		for (const char *p = text; (block = next_literal(&p)) != NULL; free(block)) {
			if (strncmp(block, "struct ", strlen("struct ")) != 0)
				continue;
			squeeze(block);
			if (!strstr(header, block))
				fail_msg("%s: not as in dsock.h: %s", found.gl_pathv[i], block);
			structs++;
		}
		free(text);
	}
	assert_true(structs > 0);
	globfree(&found);
	free(header);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_function_has_its_prototype_in_the_synopsis_of_one_page),
	    cmocka_unit_test(the_prototypes_and_types_are_those_of_the_header),
	    cmocka_unit_test(no_page_names_what_the_header_has_not),
	    cmocka_unit_test(the_examples_compile),
	    cmocka_unit_test(the_structs_are_shown_as_the_header_has_them),
	};

	return cmocka_run_group_tests_name("manual of the library", tests, NULL, NULL);
}
