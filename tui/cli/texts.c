/* What help, man page and README tell beside the verbs: exit statuses, environment, files. */
#include "core/base/mem.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

const struct cli_exit_text cli_exits[] = {
    {CLI_OK, "done"},
    {CLI_FAILED, "it failed, or the answer to a question was No"},
    {CLI_USAGE, "the command line, a file or a field is wrong; nothing was done"},
    {CLI_NO_RESOURCE, "no offer fits, or none is to be had now"},
    {CLI_CREDENTIALS, "credentials are missing, wrong or expired"},
    {CLI_BUDGET, "a budget or a price cap forbids it"},
    {CLI_JOB_FAILED, "the job failed"},
    {CLI_JOB_NOT_FINISHED, "the job has not finished"},
    {CLI_JOB_NOT_FOUND, "there is no such job"},
    {CLI_JOB_CANCELLED, "the job was cancelled"},
    {CLI_INTERRUPTED, "interrupted: the wait ended, the work goes on"},
};
const size_t cli_n_exits = ARRAY_LEN(cli_exits);

const struct cli_text cli_environment[] = {
    {"SKYTOP_HOME", "one folder for everything skytop writes, in place of the four XDG folders below"},
    {"SKYTOP_SHARE", "where the installed data files are: agent, recipes, price snapshot"},
    {"XDG_CONFIG_HOME", "base of the config folder; ~/.config when unset"},
    {"XDG_STATE_HOME", "base of the state folder; ~/.local/state when unset"},
    {"XDG_CACHE_HOME", "base of the cache folder; ~/.cache when unset"},
    {"XDG_DATA_HOME", "base of the data folder; ~/.local/share when unset"},
    {"XDG_RUNTIME_DIR", "where the engine's socket is; the state folder when unset"},
    {"SSH_AUTH_SOCK", "the ssh-agent, as the engine found it when it was started"},
    {"NO_COLOR", "no colours when set to anything"},
    {"COLUMNS", "width of the terminal, where it cannot be asked"},
};
const size_t cli_n_environment = ARRAY_LEN(cli_environment);

const struct cli_text cli_files[] = {
    {"~/.config/skytop/config.yaml", "settings; `skytop screen --dump-config` prints all of them, each with what it is for"},
    {"~/.config/skytop/ssh_pools.yaml", "your own machines; SkyPilot's ~/.sky/ssh_node_pools.yaml is read where this is not there"},
    {"~/.config/skytop/keys.yaml", "keys of the screen; `skytop screen --dump-keys` prints one to start from"},
    {"~/.config/skytop/themes/", "your own colours for the screen; the format is described in themes/default.yaml"},
    {"~/.config/skytop/recipes/", "your own recipes"},
    {"~/.local/state/skytop/", "state.db, logs, and the sandbox folders of local nodes; the engine alone opens state.db"},
    {"~/.cache/skytop/catalog.db", "prices; can be deleted, is built again"},
    {"~/.local/share/skytop/", "keys for SSH, host keys that were learned, and entries for ssh, which one line in ~/.ssh/config includes"},
    {"$XDG_RUNTIME_DIR/skytop/engine.sock", "the engine's socket, for its owner alone"},
};
const size_t cli_n_files = ARRAY_LEN(cli_files);

const char *verb_group_title(enum verb_group group)
{
	static const char *const titles[GROUPS] = {
	    [GROUP_CLUSTERS] = "Clusters and jobs",
	    [GROUP_PRICES] = "Prices and plans",
	    [GROUP_ENGINE] = "Engine and requests",
	    [GROUP_HELP] = "Set-up and help",
	};
	return titles[group];
}
