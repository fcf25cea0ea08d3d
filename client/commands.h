/* SPDX-License-Identifier: ISC */
/* The subcommands of latch: argv[0] is the subcommand's name; the result is the exit status. */
#ifndef LATCH_COMMANDS_H
#define LATCH_COMMANDS_H

int cmd_acquire(int argc, char **argv);
int cmd_clients(int argc, char **argv);
int cmd_elect(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_kick(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_release(int argc, char **argv);
int cmd_renew(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_why(int argc, char **argv);

#endif
