/* What the files of core/run/link* share. */
#ifndef CORE_RUN_LINK_PRIV_H
#define CORE_RUN_LINK_PRIV_H
#include <sys/types.h>

#include "core/io/ssh.h"
#include "core/run/link.h"

enum conn_state { CONN_BEGINNING, CONN_VIA, CONN_QUEUED, CONN_SHAKING, CONN_READY, CONN_OVER };

struct conn {
	struct conn *next, *next_queued;
	struct link *link;
	enum conn_state state;
	bool extra; /* for streams only */
	bool broke; /* it was lost under a command or another connection */
	struct ssh_target *target;
	struct ssh *ssh;
	struct conn *via;	    /* the jump host's */
	int users;		    /* connections through it */
	int commands, streams;	    /* placed on it */
	int64_t ready_at_ms, quiet_at_ms;
	unsigned timer;
};

struct link {
	struct link *next;
	struct links *links;
	char *key, *name;
	json_t *reach;		   /* NULL: a jump host, then target says it */
	struct ssh_target *target;
	struct conn *conns;
	struct link_command *commands;
	int failures, attempt; /* attempt counts all failures ever: who has heard of which */
	int64_t retry_at_ms;
	struct err last;
	bool final; /* no retry mends the last one */
	bool was_ready, told_lost;
	int limit; /* the sessions that it allows on a connection; 0: not known, and 10 is likely */
	unsigned retry, teller, lookout;
};

struct links {
	struct loop *loop;
	struct remotes_handlers h;
	struct link *all;
	struct conn *queue; /* wait for a handshake slot, first come first */
	int shaking;
	unsigned sweep;
};

struct link_command {
	struct link_command *next;
	struct link *link;
	struct link_spec spec;
	struct link_handlers h;
	struct conn *conn;
	struct ssh_channel *channel;
	size_t head_sent, input_sent;
	bool fed, paused;
	off_t fd_at; /* where fd stood; -1: not known */
	int heard; /* the link's attempt that it was told of */
	int early;
	unsigned deadline, patience;
};

/* ---- link.c ---- */
/* The first connection, which is for short commands; NULL. */
struct conn *link_main_conn(const struct link *l);
/* The last try failed, and the next is not due. */
bool link_is_pausing(const struct link *l);
/* Give each command that has none a connection, new ones where they are needed and due. */
void link_place_all(struct link *l);
/* A connection could not be made, or was lost while somebody needed it. held: it had been good for a while; early: the host took it and
 * dropped it before we were in. Calls handlers. */
void link_failed(struct link *l, const struct err *err, bool held, bool early);
/* See to commands that wait for others to end, in a moment. */
void link_look_out(struct link *l);
struct link *link_of_target(struct links *ls, const struct ssh_target *t);

/* ---- link_conn.c ---- */
/* It begins by itself, from the loop. */
struct conn *link_conn_create(struct link *l, bool extra);
/* Out of all lists: over. Then release: freed, once nobody goes through it. */
void link_conn_unlist(struct conn *k);
void link_conn_release(struct conn *k);

/* ---- link_command.c ---- */
/* Its time begins: for a connection, or, without patience, for all of it. */
void link_command_wait(struct link_command *c);
/* Its connection is ready. false: that broke this very moment; what follows from that places the command anew. */
bool link_command_run(struct link_command *c);
/* No handler is called. */
void link_command_free(struct link_command *c);
/* The last handler is called, the command is gone. */
void link_command_finish(struct link_command *c, enum remote_how how, int status, const struct err *err, bool ran);
/* Its place on a connection is free. */
void link_unplace(struct link_command *c);

#endif
