/* state.db: rows in and out. Times are stored in UTC microseconds, held in milliseconds. */
#include "core/store/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/store/state_priv.h"
#include "core/store/state_schema.h"

enum { EVENTS_KEPT = 20000, EVENTS_PRUNE_EVERY = 500, REQUESTS_KEPT = 5000 };

static int64_t us(int64_t ms)
{
	return state_us(ms);
}

static int64_t now_us(void)
{
	return us(wall_now_ms());
}

/* On some errors (a full disk) SQLite rolls the transaction back by itself. */
static void notice_rollback(struct state *s)
{
	if (!s->open || !sqlite3_get_autocommit(db_handle(s->db)))
		return;
	s->open = false;
	s->lost = true;
	s->ledger_changes++;
}

int state_begin(struct state *s, struct err *err)
{
	notice_rollback(s);
	if (s->open)
		return 0;
	if (db_exec(s->db, "BEGIN IMMEDIATE", err))
		return -1;
	s->open = true;
	return 0;
}

int state_commit(struct state *s, struct err *err)
{
	notice_rollback(s);
	if (s->lost)
		return err_set(err, ERR_IO, "the disk was full, and writes were lost: they are to be repeated");
	if (!s->open)
		return 0;
	if (db_exec(s->db, "COMMIT", err)) {
		notice_rollback(s);
		return -1;
	}
	s->open = false;
	s->commits++;
	if (s->on_commit)
		s->on_commit(s->on_commit_arg, s->commits);
	return 0;
}

bool state_lost_writes(struct state *s)
{
	notice_rollback(s);
	bool lost = s->lost;
	s->lost = false;
	return lost;
}

void state_rollback(struct state *s)
{
	if (s->open) {
		db_exec(s->db, "ROLLBACK", NULL);
		s->ledger_changes++;
	}
	s->open = false;
}

void state_on_commit(struct state *s, void (*fn)(void *arg, int64_t nth), void *arg)
{
	s->on_commit = fn;
	s->on_commit_arg = arg;
}

static int migrate(struct db *db, const char *path, struct err *err)
{
	sqlite3_stmt *rows = db_query(db, err, "PRAGMA user_version", "");
	int rc = rows ? db_next(db, rows, err) : -1;
	if (rc < 0)
		return -1;
	int64_t version = db_int(rows, 0);
	db_end(rows);
	if (version > STATE_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "%s was written by a newer skytop (schema %" PRId64 ", this one knows %d): it is left untouched",
		    path, version, STATE_VERSION);
	for (; version < STATE_VERSION; version++) {
		char stamp[64];
		snprintf(stamp, sizeof stamp, "PRAGMA user_version = %" PRId64, version + 1);
		if (db_exec(db, "BEGIN IMMEDIATE", err))
			return -1;
		if (db_exec(db, state_migrations[version], err) || db_exec(db, stamp, err) || db_exec(db, "COMMIT", err)) {
			db_exec(db, "ROLLBACK", NULL);
			return err_wrap(err, "cannot bring the state to schema %" PRId64, version + 1);
		}
	}
	return 0;
}

static int check(struct db *db, const char *path, struct err *err)
{
	sqlite3_stmt *rows = db_query(db, err, "PRAGMA quick_check(1)", "");
	int rc = rows ? db_next(db, rows, err) : -1;
	if (rc < 0)
		return -1;
	const char *said = rc ? db_str(rows, 0) : "ok";
	rc = strcmp(said ? said : "", "ok") ? err_set(err, ERR_PROTOCOL, "%s is damaged: %s", path, said) : 0;
	db_end(rows);
	return rc;
}

static struct db *open_checked(const char *path, struct err *err)
{
	struct db *db = db_open(path, err);
	if (!db)
		return NULL;
	/* FULL: an intent must survive a power cut, not only a kill. */
	if (check(db, path, err) || db_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", err) ||
	    migrate(db, path, err)) {
		db_close(db);
		return NULL;
	}
	return db;
}

/* Move the database and what belongs to it aside, under names that say when. */
static char *move_aside(const char *path, struct err *err)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char *to = xasprintf("%s.corrupt-%" PRId64, path, wall_now_ms());
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char *a = xasprintf("%s%s", path, parts[i]), *b = xasprintf("%s%s", to, parts[i]);
		bool bad = rename(a, b) && i == 0;
		if (bad)
			err_errno(err, "cannot move the damaged %s aside", a);
		free(a);
		free(b);
		if (bad) {
			free(to);
			return NULL;
		}
	}
	return to;
}

struct state *state_open(const char *path, char **moved, struct err *err)
{
	struct err local;
	if (!err)
		err = &local;
	*moved = NULL;
	struct db *db = open_checked(path, err);
	if (!db && err->code == ERR_PROTOCOL) {
		*moved = move_aside(path, err);
		db = *moved ? open_checked(path, err) : NULL;
	}
	if (!db)
		return NULL;
	struct state *s = xcalloc(1, sizeof *s);
	s->db = db;
	return s;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	state_rollback(s);
	db_close(s->db);
	free(s);
}

/* ---- clusters and nodes ------------------------------------------------------------------------------------------ */

static int save_node(struct state *s, const struct cluster *c, const struct node *n, struct err *err)
{
	return db_run(s->db, err,
	    "INSERT INTO nodes(token, cluster_id, rank, status, provider_id, ip, reach, ledger_id, gone_at, user, project, created_at, updated_at)"
	    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(token) DO UPDATE SET rank=excluded.rank, status=excluded.status,"
	    " provider_id=excluded.provider_id, ip=excluded.ip, reach=excluded.reach, ledger_id=excluded.ledger_id, gone_at=excluded.gone_at,"
	    " updated_at=excluded.updated_at",
	    "siisssjiissii", n->token, c->id, n->rank, node_status_name(n->status), n->provider_id, n->ip, n->reach, n->ledger_id,
	    us(n->gone_at_ms), c->user, c->project, us(n->created_at_ms), now_us());
}

static int insert_cluster(struct state *s, struct cluster *c, struct err *err)
{
	if (db_run(s->db, err, "INSERT INTO clusters(id, uid, name, user, project, status, accel_count_micro, use_spot, price_estimated,"
			       " autostop_down, created_at, updated_at, launched_at, removed_at) VALUES(nullif(?,0),?,?,?,?,?,0,0,0,0,?,?,0,0)",
		"isssssii", c->id, c->uid, c->name, c->user, c->project, cluster_status_name(c->status), us(c->created_at_ms), now_us()))
		return -1;
	c->id = db_last_id(s->db);
	return 0;
}

static int update_cluster(struct state *s, const struct cluster *c, struct err *err)
{
	return db_run(s->db, err,
	    "UPDATE clusters SET name=?, status=?, reason=?, provider=?, region=?, zone=?, instance_type=?, accelerator=?, accel_count_micro=?,"
	    " vcpus_micro=?, mem_mib=?, use_spot=?, price_uusd_h=?, price_estimated=?, price_source=?, task=?, autostop_minutes=?,"
	    " autostop_down=?, autostop_wait_for=?, updated_at=?, launched_at=?, removed_at=? WHERE id=?",
	    "ssssssssippbpbsjpbsiiii", c->name, cluster_status_name(c->status), c->reason, c->provider, c->region, c->zone, c->instance_type,
	    c->accelerator, c->accel_count_micro, c->vcpus_micro, c->mem_mib, c->use_spot, c->price_uusd_h, c->price_estimated,
	    c->price_source, c->task, c->autostop_minutes, c->autostop_down, c->autostop_wait_for, now_us(), us(c->launched_at_ms),
	    us(c->removed_at_ms), c->id);
}

int state_save_cluster(struct state *s, struct cluster *c, struct err *err)
{
	if (state_begin(s, err) || (!c->id && insert_cluster(s, c, err)) || update_cluster(s, c, err))
		return -1;
	/* A row whose insertion was lost to a full disk is not there to be updated. */
	if (!sqlite3_changes(db_handle(s->db)) && (insert_cluster(s, c, err) || update_cluster(s, c, err)))
		return -1;
	for (size_t i = 0; i < c->n_nodes; i++)
		if (save_node(s, c, &c->nodes[i], err))
			return -1;
	c->updated_at_ms = wall_now_ms();
	return 0;
}

static struct cluster *read_cluster(sqlite3_stmt *r)
{
	struct cluster *c = xcalloc(1, sizeof *c);
	*c = (struct cluster){.id = db_int(r, 0),
	    .uid = xstrdup(db_str(r, 1)),
	    .name = xstrdup(db_str(r, 2)),
	    .user = xstrdup(db_str(r, 3)),
	    .project = xstrdup(db_str(r, 4)),
	    .status = cluster_status_of(db_str(r, 5)),
	    .reason = xstrdup(db_str(r, 6)),
	    .provider = xstrdup(db_str(r, 7)),
	    .region = xstrdup(db_str(r, 8)),
	    .zone = xstrdup(db_str(r, 9)),
	    .instance_type = xstrdup(db_str(r, 10)),
	    .accelerator = xstrdup(db_str(r, 11)),
	    .accel_count_micro = db_int(r, 12),
	    .vcpus_micro = db_num(r, 13),
	    .mem_mib = db_num(r, 14),
	    .use_spot = db_int(r, 15),
	    .price_uusd_h = db_num(r, 16),
	    .price_estimated = db_int(r, 17),
	    .price_source = xstrdup(db_str(r, 18)),
	    .task = db_json(r, 19),
	    .autostop_minutes = db_num(r, 20),
	    .autostop_down = db_int(r, 21),
	    .created_at_ms = db_int(r, 22) / 1000,
	    .updated_at_ms = db_int(r, 23) / 1000,
	    .launched_at_ms = db_int(r, 24) / 1000,
	    .removed_at_ms = db_int(r, 25) / 1000,
	    .autostop_wait_for = xstrdup(db_str(r, 26))};
	return c;
}

static int load_nodes(struct state *s, struct cluster *c, struct err *err)
{
	/* Nodes of earlier attempts that are confirmed gone stay in the table for the ledger, not in the cluster. */
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT n.token, n.rank, n.status, n.provider_id, n.ip, n.reach, n.ledger_id, n.created_at, l.kind = 'disk' FROM nodes n"
	    " LEFT JOIN ledger l ON l.id = n.ledger_id WHERE n.cluster_id=? AND n.gone_at=0 ORDER BY n.rank",
	    "i", c->id);
	int rc, cap = 0, n = 0;
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(c->nodes, n, cap);
		c->nodes[n++] = (struct node){.token = xstrdup(db_str(r, 0)),
		    .rank = db_int(r, 1),
		    .status = node_status_of(db_str(r, 2)),
		    .provider_id = xstrdup(db_str(r, 3)),
		    .ip = xstrdup(db_str(r, 4)),
		    .reach = db_json(r, 5),
		    .ledger_id = db_int(r, 6),
		    .ledger_disk = db_int(r, 8) > 0,
		    .created_at_ms = db_int(r, 7) / 1000};
		c->n_nodes = (size_t)n;
	}
	return rc;
}

int state_load_clusters(struct state *s, struct cluster ***out, size_t *n, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT id, uid, name, user, project, status, reason, provider, region, zone, instance_type, accelerator, accel_count_micro,"
	    " vcpus_micro, mem_mib, use_spot, price_uusd_h, price_estimated, price_source, task, autostop_minutes, autostop_down, created_at,"
	    " updated_at, launched_at, removed_at, autostop_wait_for FROM clusters WHERE removed_at = 0 ORDER BY id", "");
	struct cluster **list = NULL;
	size_t count = 0, cap = 0;
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(list, count, cap);
		list[count++] = read_cluster(r);
	}
	for (size_t i = 0; !rc && i < count; i++)
		rc = load_nodes(s, list[i], err);
	if (rc) {
		for (size_t i = 0; i < count; i++)
			cluster_destroy(list[i]);
		free(list);
		return -1;
	}
	*out = list;
	*n = count;
	return 0;
}

int64_t state_find_cluster(struct state *s, const char *name, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err, "SELECT id FROM clusters WHERE name=? ORDER BY removed_at = 0 DESC, id DESC LIMIT 1", "s", name);
	int64_t id = 0;
	if (r && db_next(s->db, r, err) > 0)
		id = db_int(r, 0);
	db_end(r);
	return id;
}

char *state_cluster_uid(struct state *s, int64_t id)
{
	sqlite3_stmt *r = db_query(s->db, NULL, "SELECT uid FROM clusters WHERE id=?", "i", id);
	char *uid = r && db_next(s->db, r, NULL) > 0 ? xstrdup(db_str(r, 0)) : NULL;
	db_end(r);
	return uid;
}

int64_t state_cluster_id(struct state *s, const char *uid)
{
	sqlite3_stmt *r = db_query(s->db, NULL, "SELECT id FROM clusters WHERE uid=?", "s", uid);
	int64_t id = r && db_next(s->db, r, NULL) > 0 ? db_int(r, 0) : 0;
	db_end(r);
	return id;
}

bool state_node_late(struct state *s, const char *token, const char *id)
{
	sqlite3_stmt *r = db_query(s->db, NULL, "SELECT 1 FROM nodes WHERE token=? AND gone_at > 0 AND provider_id IS NOT ?", "ss", token, id);
	bool found = r && db_next(s->db, r, NULL) > 0;
	db_end(r);
	return found;
}

bool state_any_unanswered(struct state *s, const char *provider, int64_t since_ms)
{
	sqlite3_stmt *r = db_query(s->db, NULL,
	    "SELECT 1 FROM nodes n JOIN clusters c ON c.id = n.cluster_id WHERE n.gone_at >= ? AND n.provider_id IS NULL AND c.provider = ? LIMIT 1", "is",
	    us(since_ms), provider);
	bool found = r && db_next(s->db, r, NULL) > 0;
	db_end(r);
	return found;
}

bool state_used(struct state *s, const char *provider)
{
	sqlite3_stmt *r = db_query(s->db, NULL, "SELECT 1 FROM clusters WHERE provider=? LIMIT 1", "s", provider);
	bool found = r && db_next(s->db, r, NULL) > 0;
	db_end(r);
	return found;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

int state_save_job(struct state *s, const struct job *j, struct err *err)
{
	if (state_begin(s, err))
		return -1;
	return db_run(s->db, err,
	    "INSERT INTO jobs(cluster_id, job_id, key, name, user, status, submitted_at, started_at, ended_at, exit_code, gpus_micro, num_nodes,"
	    " log_complete, request_id, reason, created_at, updated_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(cluster_id, job_id) DO UPDATE SET"
	    " key=excluded.key, name=excluded.name, user=excluded.user, status=excluded.status, submitted_at=excluded.submitted_at,"
	    " started_at=excluded.started_at, ended_at=excluded.ended_at, exit_code=excluded.exit_code, gpus_micro=excluded.gpus_micro,"
	    " num_nodes=excluded.num_nodes, log_complete=excluded.log_complete, request_id=excluded.request_id, reason=excluded.reason,"
	    " updated_at=excluded.updated_at",
	    "iissssiiipiibisii", j->cluster_id, j->id, j->key, j->name, j->user, job_status_name(j->status), us(j->submitted_at_ms),
	    us(j->started_at_ms), us(j->ended_at_ms), j->exit_code, j->gpus_micro, j->num_nodes, j->log_complete, j->request_id, j->reason, now_us(),
	    now_us());
}

int state_load_jobs(struct state *s, int64_t cluster_id, struct job ***out, size_t *n, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT job_id, key, name, user, status, submitted_at, started_at, ended_at, exit_code, gpus_micro, num_nodes, log_complete, request_id,"
	    " reason FROM jobs WHERE cluster_id=? ORDER BY job_id", "i", cluster_id);
	struct job **list = NULL;
	size_t count = 0, cap = 0;
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(list, count, cap);
		struct job *j = list[count++] = xcalloc(1, sizeof *j);
		*j = (struct job){.cluster_id = cluster_id,
		    .id = db_int(r, 0),
		    .key = xstrdup(db_str(r, 1)),
		    .name = xstrdup(db_str(r, 2)),
		    .user = xstrdup(db_str(r, 3)),
		    .status = job_status_of(db_str(r, 4)),
		    .submitted_at_ms = db_int(r, 5) / 1000,
		    .started_at_ms = db_int(r, 6) / 1000,
		    .ended_at_ms = db_int(r, 7) / 1000,
		    .exit_code = db_num(r, 8),
		    .gpus_micro = db_int(r, 9),
		    .num_nodes = db_int(r, 10),
		    .log_complete = db_int(r, 11),
		    .request_id = db_int(r, 12),
		    .reason = xstrdup(db_str(r, 13))};
	}
	if (rc) {
		for (size_t i = 0; i < count; i++)
			job_destroy(list[i]);
		free(list);
		return -1;
	}
	*out = list;
	*n = count;
	return 0;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

#define REQUEST_COLUMNS                                                                                                                    \
	"id, verb, cluster, user, project, state, args, step, data, progress, result, err_code, err_text, cancel, created_at, started_at,"  \
	" finished_at"

int state_save_request(struct state *s, struct request *r, struct err *err)
{
	if (state_begin(s, err))
		return -1;
	if (!r->id) {
		if (db_run(s->db, err, "INSERT INTO requests(verb, user, project, state, args, cancel, created_at, updated_at, started_at, finished_at)"
				       " VALUES(?,?,?,?,?,0,?,?,0,0)",
			"ssssjii", r->verb, r->user, r->project, request_state_name(r->state), r->args, us(r->created_at_ms), now_us()))
			return -1;
		r->id = db_last_id(s->db);
	}
	return db_run(s->db, err,
	    "UPDATE requests SET cluster=?, state=?, step=?, data=?, progress=?, result=?, err_code=?, err_text=?, cancel=?, updated_at=?,"
	    " started_at=?, finished_at=? WHERE id=?",
	    "sssjsjssbiiii", r->cluster, request_state_name(r->state), r->step, r->data, r->progress, r->result,
	    r->err_code ? err_info(r->err_code)->name : NULL, r->err_text, r->cancel, now_us(), us(r->started_at_ms), us(r->finished_at_ms), r->id);
}

static struct request *read_request(sqlite3_stmt *r)
{
	struct request *q = xcalloc(1, sizeof *q);
	const char *code = db_str(r, 11);
	*q = (struct request){.id = db_int(r, 0),
	    .verb = xstrdup(db_str(r, 1)),
	    .cluster = xstrdup(db_str(r, 2)),
	    .user = xstrdup(db_str(r, 3)),
	    .project = xstrdup(db_str(r, 4)),
	    .state = request_state_of(db_str(r, 5)),
	    .args = db_json(r, 6),
	    .step = xstrdup(db_str(r, 7)),
	    .data = db_json(r, 8),
	    .progress = xstrdup(db_str(r, 9)),
	    .result = db_json(r, 10),
	    .err_code = code ? err_code_of(code) : ERR_NONE,
	    .err_text = xstrdup(db_str(r, 12)),
	    .cancel = db_int(r, 13),
	    .created_at_ms = db_int(r, 14) / 1000,
	    .started_at_ms = db_int(r, 15) / 1000,
	    .finished_at_ms = db_int(r, 16) / 1000};
	return q;
}

int state_load_requests(struct state *s, struct request ***out, size_t *n, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err, "SELECT " REQUEST_COLUMNS " FROM requests WHERE finished_at = 0 ORDER BY id", "");
	struct request **list = NULL;
	size_t count = 0, cap = 0;
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(list, count, cap);
		list[count++] = read_request(r);
	}
	if (rc) {
		for (size_t i = 0; i < count; i++)
			request_destroy(list[i]);
		free(list);
		return -1;
	}
	*out = list;
	*n = count;
	return 0;
}

static json_t *requests_json(struct state *s, sqlite3_stmt *r, struct err *err)
{
	json_t *a = json_array();
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		struct request *q = read_request(r);
		json_array_append_new(a, request_to_json(q));
		request_destroy(q);
	}
	if (rc) {
		json_decref(a);
		return NULL;
	}
	return a;
}

json_t *state_requests(struct state *s, bool all, int64_t limit, struct err *err)
{
	return requests_json(s,
	    db_query(s->db, err, "SELECT " REQUEST_COLUMNS " FROM requests WHERE ? OR finished_at = 0 ORDER BY id DESC LIMIT ?", "bi", all, limit), err);
}

json_t *state_request(struct state *s, int64_t id, struct err *err)
{
	json_t *a = requests_json(s, db_query(s->db, err, "SELECT " REQUEST_COLUMNS " FROM requests WHERE id = ?", "i", id), err);
	json_t *one = json_incref(json_array_get(a, 0));
	if (a && !one)
		err_set(err, ERR_NOT_FOUND, "there is no request %" PRId64, id);
	json_decref(a);
	return one;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

int state_add_event(struct state *s, struct event *e, struct err *err)
{
	if (state_begin(s, err))
		return -1;
	if (db_run(s->db, err, "INSERT INTO events(cluster_id, request_id, cluster, kind, level, text, data, created_at, updated_at) VALUES(?,?,?,?,?,?,?,?,?)",
		"iissssjii", e->cluster_id, e->request_id, e->cluster, e->kind, e->level, e->text, e->data, us(e->at_ms), us(e->at_ms)))
		return -1;
	e->id = db_last_id(s->db);
	if (++s->events % EVENTS_PRUNE_EVERY)
		return 0;
	if (db_run(s->db, err, "DELETE FROM events WHERE id <= ?", "i", e->id - EVENTS_KEPT))
		return -1;
	return db_run(s->db, err, "DELETE FROM requests WHERE finished_at > 0 AND id <= (SELECT max(id) FROM requests) - ?", "i", (int64_t)REQUESTS_KEPT);
}

json_t *state_events(struct state *s, const char *cluster, int64_t after_id, int64_t limit, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT id, created_at, request_id, cluster, kind, level, text, data FROM (SELECT * FROM events WHERE id > ? AND (? IS NULL OR cluster = ?)"
	    " ORDER BY id DESC LIMIT ?) ORDER BY id", "issi", after_id, cluster, cluster, limit);
	json_t *a = json_array();
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		struct event e = {.id = db_int(r, 0), .at_ms = db_int(r, 1) / 1000, .request_id = db_int(r, 2), .cluster = xstrdup(db_str(r, 3)),
		    .kind = xstrdup(db_str(r, 4)), .level = xstrdup(db_str(r, 5)), .text = xstrdup(db_str(r, 6)), .data = db_json(r, 7)};
		json_array_append_new(a, event_to_json(&e));
		event_clear(&e);
	}
	if (rc) {
		json_decref(a);
		return NULL;
	}
	return a;
}

int64_t state_last_request(struct state *s, const char *verb)
{
	struct err ignored;
	sqlite3_stmt *r = db_query(s->db, &ignored, "SELECT created_at FROM requests WHERE verb = ? ORDER BY id DESC LIMIT 1", "s", verb);
	int64_t at = 0;
	if (r && db_next(s->db, r, &ignored) > 0) {
		at = db_int(r, 0) / 1000;
		db_end(r);
	}
	return at;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static int64_t spot_of(const json_t *b)
{
	const json_t *spot = json_object_get(b, "use_spot");
	return json_is_boolean(spot) ? json_is_true(spot) : -1;
}

/* One of the same place gives way: many launches may meet the same refusal. */
int state_add_block(struct state *s, const json_t *b, struct err *err)
{
	const char *provider = json_str(b, "provider", NULL), *region = json_str(b, "region", NULL), *zone = json_str(b, "zone", NULL),
		   *type = json_str(b, "instance_type", NULL), *accelerator = json_str(b, "accelerator", NULL);
	if (state_begin(s, err) || db_run(s->db, err, "DELETE FROM blocks WHERE provider IS ? AND region IS ? AND zone IS ? AND instance_type IS ?"
	    " AND accelerator IS ? AND use_spot = ?", "sssssi", provider, region, zone, type, accelerator, spot_of(b)))
		return -1;
	return db_run(s->db, err,
	    "INSERT INTO blocks(provider, region, zone, instance_type, accelerator, use_spot, code, text, until, created_at, updated_at)"
	    " VALUES(?,?,?,?,?,?,?,?,?,?,?)",
	    "sssssissiii", provider, region, zone, type, accelerator, spot_of(b), json_str(b, "code", "failed"),
	    json_str(b, "text", NULL), us(json_int(b, "until", 0)), now_us(), now_us());
}

int state_lift_blocks(struct state *s, const json_t *b, struct err *err)
{
	return state_begin(s, err) ? -1 : db_run(s->db, err, "DELETE FROM blocks WHERE provider = ? AND (region IS NULL OR region = ?)"
	    " AND (zone IS NULL OR zone = ?) AND (instance_type IS NULL OR instance_type = ?) AND (use_spot IS NULL OR use_spot < 0 OR use_spot = ?)", "ssssi",
	    json_str(b, "provider", ""), json_str(b, "region", ""), json_str(b, "zone", ""), json_str(b, "instance_type", ""), spot_of(b));
}

json_t *state_blocks(struct state *s, int64_t now_ms, struct err *err)
{
	if (state_begin(s, err) || db_run(s->db, err, "DELETE FROM blocks WHERE until <= ?", "i", us(now_ms)))
		return NULL;
	sqlite3_stmt *r = db_query(s->db, err, "SELECT provider, region, zone, instance_type, accelerator, use_spot, code, text, until FROM blocks", "");
	json_t *a = json_array();
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		json_t *j = json_object();
		static const char *const names[] = {"provider", "region", "zone", "instance_type", "accelerator"};
		for (int i = 0; i < (int)ARRAY_LEN(names); i++)
			json_put_str(j, names[i], db_str(r, i));
		json_object_set_new(j, "use_spot", db_num(r, 5) < 0 ? json_null() : json_boolean(db_num(r, 5)));
		json_put_str(j, "code", db_str(r, 6));
		json_put_str(j, "text", db_str(r, 7));
		json_put_int(j, "until", db_int(r, 8) / 1000);
		json_array_append_new(a, j);
	}
	if (rc) {
		json_decref(a);
		return NULL;
	}
	return a;
}
