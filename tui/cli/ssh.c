/* ssh: a shell or a command on a node. */
#include "tui/cli/login.h"

static int run_ssh(struct cli *c)
{
	struct err err;
	bool dashes;
	size_t own = cli_n_own_args(c, &dashes);
	if (!own)
		return cli_usage(c, "say which cluster: skytop ssh CLUSTER [NODE] [-- COMMAND...]");
	if (own > 2)
		return cli_usage(c, "'%s' is one argument too many: a command comes after --", cli_arg(c, 2));
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	return login_exec(c, cl, &(struct login){.cluster = cli_arg(c, 0), .node = own > 1 ? cli_arg(c, 1) : NULL, .command = cli_args(c) + own,
				     .forwards = cli_values(c, "forward"), .terminal = cli_flag(c, "tty")});
}

static const struct option_spec ssh_options[] = {
    CLI_FLAG('t', "tty", "give the command a terminal, as ssh -t does"),
    CLI_VALUE('L', "forward", "[BIND:]PORT:HOST:PORT", "forward a port of this machine, as ssh -L does", .repeatable = true),
    CLI_END,
};

const struct verb verb_ssh = {
    .name = "ssh",
    .group = GROUP_CLUSTERS,
    .summary = "Open a shell on a node, or run a command there.",
    .args = "CLUSTER [NODE] [-- COMMAND...]",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .takes_command = true,
    .options = ssh_options,
    .help = "NODE is a rank: 0 is the head, and taken when none is given. Input, output and exit status are the command's own; as with ssh, its words are "
	    "joined by blanks and read by the shell there. It starts in the node's home folder. A node is not idle while somebody is logged in.\n\n"
	    "Clusters that are reached over SSH are also known to plain ssh, scp, rsync and editors, as CLUSTER (the head), CLUSTER-1, CLUSTER-2 ...: entries "
	    "are kept in a folder of skytop's own, which one Include line in ~/.ssh/config names (`skytop config set ssh.include false` forbids that line). "
	    "Where such a name is taken, CLUSTER.skytop and CLUSTER-1.skytop are there.",
    .run = run_ssh,
};
