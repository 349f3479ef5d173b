/* The schema of state.db and its migrations. A migration is never changed after it was released; a new one is added. */
#include "core/store/state_schema.h"

#include <stddef.h>

static const char version_1[] =
    "CREATE TABLE clusters(id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, user TEXT NOT NULL, project TEXT NOT NULL,"
    " status TEXT NOT NULL, reason TEXT, provider TEXT, region TEXT, zone TEXT, instance_type TEXT, accelerator TEXT,"
    " accel_count_micro INTEGER NOT NULL, vcpus_micro INTEGER, mem_mib INTEGER, use_spot INTEGER NOT NULL, price_uusd_h INTEGER,"
    " price_estimated INTEGER NOT NULL, price_source TEXT, task TEXT, autostop_minutes INTEGER, autostop_down INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, launched_at INTEGER NOT NULL, removed_at INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX clusters_alive ON clusters(name) WHERE removed_at = 0;"
    "CREATE TABLE nodes(token TEXT PRIMARY KEY, cluster_id INTEGER NOT NULL REFERENCES clusters(id), rank INTEGER NOT NULL,"
    " status TEXT NOT NULL, provider_id TEXT, ip TEXT, reach TEXT, ledger_id INTEGER NOT NULL, gone_at INTEGER NOT NULL,"
    " user TEXT NOT NULL, project TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX nodes_cluster ON nodes(cluster_id, rank);"
    "CREATE TABLE jobs(cluster_id INTEGER NOT NULL REFERENCES clusters(id), job_id INTEGER NOT NULL, key TEXT, name TEXT, user TEXT,"
    " project TEXT, status TEXT NOT NULL, submitted_at INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, exit_code INTEGER,"
    " gpus_micro INTEGER NOT NULL, num_nodes INTEGER NOT NULL, log_complete INTEGER NOT NULL, request_id INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY(cluster_id, job_id)) WITHOUT ROWID;"
    "CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, verb TEXT NOT NULL, cluster TEXT, user TEXT NOT NULL, project TEXT NOT NULL,"
    " state TEXT NOT NULL, args TEXT NOT NULL, step TEXT, data TEXT, progress TEXT, result TEXT, err_code TEXT, err_text TEXT,"
    " cancel INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, started_at INTEGER NOT NULL,"
    " finished_at INTEGER NOT NULL);"
    "CREATE INDEX requests_open ON requests(id) WHERE finished_at = 0;"
    "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, cluster_id INTEGER NOT NULL, request_id INTEGER NOT NULL, cluster TEXT,"
    " user TEXT, project TEXT, kind TEXT NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL, data TEXT, created_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL);"
    "CREATE INDEX events_cluster ON events(cluster, id);"
    "CREATE TABLE ledger(id INTEGER PRIMARY KEY, cluster_id INTEGER NOT NULL REFERENCES clusters(id), node_token TEXT NOT NULL,"
    " kind TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, price_uusd_h INTEGER, estimated INTEGER NOT NULL,"
    " source TEXT, user TEXT NOT NULL, project TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);"
    "CREATE INDEX ledger_cluster ON ledger(cluster_id);"
    "CREATE INDEX ledger_time ON ledger(started_at);"
    "CREATE TABLE blocks(id INTEGER PRIMARY KEY, provider TEXT, region TEXT, zone TEXT, instance_type TEXT, accelerator TEXT, use_spot INTEGER,"
    " code TEXT NOT NULL, text TEXT, until INTEGER NOT NULL, user TEXT, project TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);";

static const char version_2[] = "ALTER TABLE clusters ADD COLUMN autostop_wait_for TEXT;";

static const char version_3[] =
    "CREATE TABLE budgets(project TEXT NOT NULL, simulated INTEGER NOT NULL, month_uusd INTEGER NOT NULL, block INTEGER NOT NULL,"
    " told_month INTEGER NOT NULL, told_percent INTEGER NOT NULL, user TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " PRIMARY KEY(project, simulated)) WITHOUT ROWID;"
    "ALTER TABLE ledger ADD COLUMN provider TEXT;"
    "UPDATE ledger SET provider = (SELECT provider FROM clusters WHERE id = cluster_id);"
    "CREATE INDEX ledger_end ON ledger(ended_at);";

static const char version_4[] = "ALTER TABLE jobs ADD COLUMN reason TEXT;";

const char *const state_migrations[] = {version_1, version_2, version_3, version_4, NULL};
