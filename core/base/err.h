/* Errors. Fallible functions return 0/-1 (or pointer/NULL) and fill `struct err *`, their last argument; outputs are
 * untouched on failure. The code is what policy looks at; the text is what a person reads, and callers put their
 * context before it with err_wrap. Secrets never reach the text. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H
#include <stdbool.h>

enum err_code {
	ERR_NONE,
	ERR_FAILED,	  /* the work itself failed: a job, a hook, a child */
	ERR_USAGE,	  /* the command line is wrong */
	ERR_INVALID,	  /* a file, a field or an argument is wrong */
	ERR_NO_RESOURCE,  /* no offer fits the request */
	ERR_CAPACITY,	  /* the cloud has none left just now */
	ERR_QUOTA,	  /* the account may not have more */
	ERR_CREDENTIALS,  /* missing, wrong or expired; or a permission is missing */
	ERR_BUDGET,	  /* a budget or price cap forbids it */
	ERR_THROTTLED,	  /* asked too often */
	ERR_NETWORK,	  /* could not reach the other side */
	ERR_TIMEOUT,	  /* no answer in time */
	ERR_NOT_FOUND,	  /* the thing named is not there */
	ERR_CONFLICT,	  /* it is there, in a state that forbids this */
	ERR_UNSUPPORTED,  /* this provider or machine cannot do it */
	ERR_PROTOCOL,	  /* the other side spoke nonsense or another version */
	ERR_CANCELLED,	  /* someone asked to stop */
	ERR_IO,		  /* the local disk or kernel said no */
	ERR_CODES
};

/* How far a cloud's refusal reaches, for the search that goes on elsewhere. */
enum err_scope {
	ERR_SCOPE_PLACE, /* the zone if the request had one, else the region; this machine type and market */
	ERR_SCOPE_REGION, /* the region, for this machine type and market */
	ERR_SCOPE_REGION_ALL, /* the region, for whatever machine: not enabled, no network there */
	ERR_SCOPE_CLOUD, /* the account */
	ERR_SCOPE_TASK, /* wherever it is sent: nothing else is tried */
};

struct err {
	enum err_code code;
	int http_status; /* 0: not from HTTP */
	enum err_scope scope; /* for codes that fail over; set by providers, see err_set_scope */
	char text[1000];
};

/* What a code means for policy. One row a code, in err.c. */
struct err_info {
	const char *name;   /* "capacity": as in JSON, events and tables */
	int exit_status;    /* of a command that ends so */
	bool retry;	    /* the same call may succeed in a moment */
	bool failover;	    /* another place may succeed */
	const char *hint;   /* what to do; may be NULL */
};

const struct err_info *err_info(enum err_code code);
/* The code of a name; ERR_FAILED for an unknown one. */
enum err_code err_code_of(const char *name);

/* Fill *e (NULL is fine) and return -1, so that `return err_set(err, …)` reads well. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* After err_set, as err_set clears it. Returns -1. */
int err_set_scope(struct err *e, enum err_scope scope);
/* Put context in front: "launch train: " + text. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* From errno: "WHAT: No such file or directory". ENOENT is NOT_FOUND, EACCES/EPERM/ENOSPC… are IO. Returns -1. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
