/* Into a node: what `ssh` and `debug` share. */
#ifndef TUI_CLI_LOGIN_H
#define TUI_CLI_LOGIN_H
#include "tui/cli/session.h"

struct login {
	const char *cluster;
	const char *node;	     /* "0", "head", "CLUSTER-1", or the provider's id; NULL: the head */
	const char *const *command;  /* NULL-terminated words, joined by blanks there as ssh does; NULL or none: a shell */
	const char *const *forwards; /* values of ssh's -L, NULL-terminated; NULL: none */
	bool terminal;		     /* -t: a terminal though there is a command */
};

/* Become ssh, or the shell of a node on this machine. Closes cl, and returns only when that cannot be: the exit status, all said. With --json
 * prints what would be executed instead. */
int login_exec(struct cli *c, struct client *cl, const struct login *l);

#endif
