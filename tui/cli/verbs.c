/* The one table of verbs. Help, man page, completions, README and the palette of the
 * screen are made from it, in this order. A new verb is its own file, one extern and one line here. */
#include "core/base/mem.h"
#include "tui/cli/cli.h"

/* One line each, in the order of the table below: two people who add a verb then touch different lines. */
extern const struct verb verb_launch;
extern const struct verb verb_exec;
extern const struct verb verb_status;
extern const struct verb verb_queue;
extern const struct verb verb_logs;
extern const struct verb verb_cancel;
extern const struct verb verb_stop;
extern const struct verb verb_start;
extern const struct verb verb_down;
extern const struct verb verb_autostop;
extern const struct verb verb_ssh;
extern const struct verb verb_debug;
extern const struct verb verb_sweep;
extern const struct verb verb_cost;
extern const struct verb verb_budget_show;
extern const struct verb verb_budget_set;
extern const struct verb verb_budget_clear;
extern const struct verb verb_engine;
extern const struct verb verb_requests;
extern const struct verb verb_cancel_request;
extern const struct verb verb_events;
extern const struct verb verb_offers;
extern const struct verb verb_catalog_status;
extern const struct verb verb_catalog_update;
extern const struct verb verb_catalog_import;
extern const struct verb verb_catalog_path;
extern const struct verb verb_cloud_side;
extern const struct verb verb_pack_tree;
extern const struct verb verb_metrics;
extern const struct verb verb_task;
extern const struct verb verb_config;
extern const struct verb verb_config_get;
extern const struct verb verb_config_set;
extern const struct verb verb_config_unset;
extern const struct verb verb_config_path;
extern const struct verb verb_check;
extern const struct verb verb_ssh_pool_list;
extern const struct verb verb_ssh_pool_check;
extern const struct verb verb_ssh_pool_add;
extern const struct verb verb_recipes;
extern const struct verb verb_screen;
extern const struct verb verb_demo;
extern const struct verb verb_completions;
extern const struct verb verb_help;
extern const struct verb verb_version;

const struct verb *const cli_verbs[] = {
    /* clusters and jobs */
    &verb_launch,
    &verb_exec,
    &verb_status,
    &verb_queue,
    &verb_logs,
    &verb_cancel,
    &verb_stop,
    &verb_start,
    &verb_down,
    &verb_autostop,
    &verb_ssh,
    &verb_debug,
    &verb_sweep,
    &verb_cost,
    &verb_budget_show,
    &verb_budget_set,
    &verb_budget_clear,
    &verb_metrics,
    &verb_task,
    /* prices and plans */
    &verb_screen,
    &verb_offers,
    &verb_catalog_status,
    &verb_catalog_update,
    &verb_catalog_import,
    &verb_catalog_path,
    /* engine and requests */
    &verb_engine,
    &verb_requests,
    &verb_cancel_request,
    &verb_events,
    &verb_cloud_side,
    &verb_pack_tree,
    /* set-up and help */
    &verb_check,
    &verb_ssh_pool_list,
    &verb_ssh_pool_check,
    &verb_ssh_pool_add,
    &verb_config,
    &verb_config_get,
    &verb_config_set,
    &verb_config_unset,
    &verb_config_path,
    &verb_recipes,
    &verb_demo,
    &verb_completions,
    &verb_help,
    &verb_version,
};
const size_t cli_n_verbs = ARRAY_LEN(cli_verbs);
