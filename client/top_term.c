/* SPDX-License-Identifier: ISC */
/* See top_term.h. A file of its own, since the header of the capabilities makes macros of half the
 * dictionary. */
#include "top_term.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

const char *
term_wrong(void)
{
	const char *term = getenv("TERM");
	int found;

	if (term == NULL || *term == '\0')
		return "is not set; it says what kind of terminal this is, such as xterm";
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR)
		return found == 0 || found == 1
			   ? "is a terminal that nothing is known of here"
			   : "cannot be looked up: there is no database of terminals";
	bool fit = cursor_address != NULL && clear_screen != NULL;
	del_curterm(cur_term);
	return fit ? NULL : "is a terminal that cannot be drawn on";
}
