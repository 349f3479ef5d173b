/* One pane of the logs' view: what it follows, the text it has of that, and where in it the person is. Its parts: log_pane.c (positions),
 * log_find.c (filter and search), log_feed.c (events and requests as lines), log_draw.c, log_save.c. */
#ifndef TUI_VIEW_LOG_PANE_H
#define TUI_VIEW_LOG_PANE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/logbuf.h"
#include "tui/logindex.h"
#include "tui/logmatch.h"
#include "tui/query.h"
#include "tui/source.h"

struct app;

enum log_kind { LOG_NOTHING, LOG_JOB, LOG_EVENTS, LOG_REQUEST };

struct log_target {
	enum log_kind kind;
	char cluster[128];
	int64_t id;   /* the job, -1 the newest; or the request */
	int64_t rank; /* of a job: only what this one wrote; -1: all of it */
	bool setup;   /* … what its setup said */
};

enum log_times { LOG_TIMES_OFF, LOG_TIMES_CLOCK, LOG_TIMES_GAP, LOG_TIMES };

#define LOG_NO_LINE UINT64_MAX
enum { LOG_CONTEXT_MAX = 10 };

struct log_pane {
	struct app *app;
	struct log_target target;
	char what[200];	      /* "train · job 3 finetune" */
	unsigned log;	      /* the source's number of it; 0: none is open there */
	struct logbuf *buf;
	bool ended, broken;
	bool waits;	      /* for a first job on its cluster */
	enum { OLDER_MAYBE, OLDER_ASKED, OLDER_NONE } older; /* is there more before the first line? */
	struct logbuf *before; /* it, as it comes */
	char end_text[400];
	int64_t fed;	      /* the last event that became a line */
	char progress[200];   /* the last progress that did */

	bool follow, wrap;
	enum log_times times;
	struct {
		bool wrap;
		enum log_times times;
	} of_jobs;	      /* … as the person wants them for jobs, while something else is shown */
	uint64_t top;	      /* the line at the top, */
	int top_row;	      /* and the row of it */
	uint64_t end_at_pause;
	int left;
	struct rect text_at;  /* of the last draw, as the rest here */
	int page, width;
	bool followed;	      /* it was drawn at its end, with just these lines and this size */
	uint64_t bottom;      /* the last line that was on the screen */

	struct query filter, query;
	struct logmatch match;
	int context;	      /* lines around those that the filter lets through */
	struct logindex shown;/* by the filter; kept only when there is one */
	struct logindex hits; /* of the search, among those that the filter lets through */
	struct {
		bool follow;
		uint64_t top;
		int row;
	} from;		      /* where the person was when the search began to be typed */
	uint64_t hit;	      /* the line the search stands at, or LOG_NO_LINE */
	bool selecting;
	uint64_t anchor, cursor; /* both ends of what is selected, in any order */
};

struct log_pane *log_pane_create(struct app *a);
void log_pane_destroy(struct log_pane *p); /* NULL is fine */
/* Follow something else from now on; its text begins anew. */
void log_pane_open(struct log_pane *p, const struct log_target *t);
/* What comes before the first line, and that this was all of it now (data NULL, len 1: there is more before that). */
void log_pane_older(struct log_pane *p, const char *data, size_t len, int64_t at_ms);
/* The engine says that there is no more of it. */
void log_pane_end(struct log_pane *p, bool broken, const char *text);
/* Another snapshot: a cluster may have its first job now. */
void log_pane_news(struct log_pane *p);
bool log_target_eq(const struct log_target *a, const struct log_target *b);
/* Wrap, times and context as in another pane. */
void log_pane_like(struct log_pane *p, const struct log_pane *other);

/* --- lines: what the filter shows ---- */
void log_pane_sync(struct log_pane *p); /* after more has come, before anything below */
uint64_t log_pane_first(const struct log_pane *p); /* LOG_NO_LINE: there is none */
uint64_t log_pane_last(const struct log_pane *p);
uint64_t log_pane_next(const struct log_pane *p, uint64_t line, int dir);
size_t log_pane_count(const struct log_pane *p, uint64_t from); /* how many from this line on */

/* --- positions ---- */
int log_pane_rows(const struct log_pane *p, uint64_t line);
void log_pane_pause(struct log_pane *p);
/* Put the top where it belongs: the end when following (but where it was, if that can be, when held), within what there is otherwise. */
void log_pane_settle(struct log_pane *p, bool hold);
void log_pane_show(struct log_pane *p, uint64_t line); /* pauses, and brings the line onto the screen */
uint64_t log_pane_current(const struct log_pane *p); /* the hit when it is on the screen, else the last line there */
bool log_pane_move(struct log_pane *p, enum action what); /* false: none of SCOPE_MOVE's */
void log_pane_select(struct log_pane *p, bool on);
uint64_t log_pane_line_at(const struct log_pane *p, int y); /* at a line of the screen; LOG_NO_LINE */

/* --- filter and search ---- */
void log_pane_refilter(struct log_pane *p); /* the filter's text or the context is another one */
void log_pane_begin_search(struct log_pane *p); /* a search is going to be typed; it begins where one is now */
void log_pane_search(struct log_pane *p, bool undone); /* the query's text is another one; undone: the one it was, so back to the beginning */
void log_pane_next_hit(struct log_pane *p, int dir);
size_t log_pane_hits(const struct log_pane *p, size_t *nth); /* how many; which of them `hit` is, 0 none */
const char *log_pane_needle(const struct log_pane *p);
bool log_pane_passes(const struct log_pane *p, uint64_t line);
/* Let only this rank through (-1: every one), beside what the filter says else. */
void log_pane_only_rank(struct log_pane *p, int64_t rank);

/* --- what the engine tells, as lines ---- */
void log_pane_feed(struct log_pane *p, const struct ui_snapshot *snap);

/* --- drawing ---- */
struct log_title {
	int number;    /* 0: there is only this pane */
	bool focus, keys, zoomed;
	int panes;
};
void log_pane_title(struct log_pane *p, struct canvas *c, struct rect line, const struct log_title *t);
void log_pane_draw(struct log_pane *p, struct canvas *c, struct rect r, bool keys);

/* --- text to take away ---- */
enum log_part { LOG_SELECTED, LOG_LINE, LOG_ON_SCREEN, LOG_SHOWN }; /* LOG_LINE: the hit when it is on the screen, else the last one there */
/* Append it as plain lines; how many. */
size_t log_pane_text(const struct log_pane *p, enum log_part part, struct str *out);
void log_pane_ask_save(struct log_pane *p);

#endif
