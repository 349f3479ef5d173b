/* What the views that show jobs share: cells, statuses, and the question before a job is cancelled. */
#ifndef TUI_VIEW_JOBS_H
#define TUI_VIEW_JOBS_H
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/grid.h"
#include "tui/source.h"

struct app;

enum job_field {
	JOB_FIELD_CLUSTER, JOB_FIELD_ID, JOB_FIELD_NAME, JOB_FIELD_STATUS, JOB_FIELD_USER, JOB_FIELD_RESOURCES, JOB_FIELD_SUBMITTED,
	JOB_FIELD_TOOK, JOB_FIELD_EXIT, JOB_FIELD_REASON
};

enum role job_status_role(const char *status);
uint64_t job_row_id(const struct ui_job *j);
void job_cell(const struct app *a, const struct ui_job *j, enum job_field field, struct grid_cell *out);
/* Why it ended as it did or why nothing is heard of it, as far as the events tell; "". Borrowed from the snapshot. */
const char *job_reason(const struct app *a, const struct ui_job *j);
/* Ask before these are cancelled; those that are over are left alone. */
void jobs_ask_cancel(struct app *a, const struct ui_job *const *jobs, size_t n);

#endif
