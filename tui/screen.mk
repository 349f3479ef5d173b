noinst_LIBRARIES += libtui.a
libtui_a_SOURCES = \
	tui/action.c tui/action.h \
	tui/app.c tui/app.h \
	tui/ascii.c \
	tui/canvas.c tui/canvas.h \
	tui/chart.c tui/chart.h \
	tui/checklist.c tui/checklist.h \
	tui/clip.c tui/clip.h \
	tui/confirm.c tui/dialog.h \
	tui/cost.c tui/cost.h \
	tui/engine_json.c tui/engine_json.h \
	tui/engine_logs.c tui/engine_logs.h tui/engine_source.c tui/engine_source.h \
	tui/field.c tui/field.h \
	tui/form.c \
	tui/format.c tui/format.h \
	tui/frame.c \
	tui/grid.c tui/grid.h \
	tui/grid_keep.c \
	tui/keymap.c tui/keymap.h \
	tui/keys.c tui/keys.h \
	tui/launch.c \
	tui/launch_pick.c tui/launch_pick.h \
	tui/layout.c tui/layout.h \
	tui/logbuf.c tui/logbuf.h \
	tui/logindex.c tui/logindex.h \
	tui/logmatch.c tui/logmatch.h \
	tui/look.c tui/look.h \
	tui/menu.c tui/menu.h \
	tui/metrics_answer.c tui/metrics_answer.h \
	tui/live_answer.c tui/live_answer.h \
	tui/notice.c tui/notice.h \
	tui/palette.c tui/palette.h \
	tui/panes.c tui/panes.h \
	tui/plain.c tui/plain.h \
	tui/plan.c \
	tui/prices.c tui/prices.h \
	tui/query.c tui/query.h \
	tui/recipe.c tui/recipe.h \
	tui/reload.c tui/reload.h \
	tui/dump.c tui/screen.c tui/tui.h \
	tui/source.c tui/source.h \
	tui/theme.c tui/theme.h \
	tui/theme_file.c \
	tui/view.h \
	tui/width.c tui/width.h \
	tui/view/activity.c \
	tui/view/cluster_details.c \
	tui/view/cluster_orders.c \
	tui/view/cluster_rows.c \
	tui/view/clusters.c tui/view/clusters_priv.h \
	tui/view/log_draw.c \
	tui/view/log_feed.c \
	tui/view/log_find.c \
	tui/view/log_keep.c \
	tui/view/cost.c tui/view/cost_budget.c tui/view/cost_details.c tui/view/cost_priv.h \
	tui/view/cost_rows.c \
	tui/view/copies.c \
	tui/view/details.c tui/view/details.h \
	tui/view/job_cells.c \
	tui/view/jobs.c tui/view/jobs.h \
	tui/view/list.c tui/view/list.h \
	tui/view/list_match.c tui/view/list_view.c \
	tui/view/log_lines.c tui/view/log_lines.h \
	tui/view/log_pane.c tui/view/log_pane.h \
	tui/view/log_pick.c \
	tui/view/log_save.c \
	tui/view/logs.c tui/view/logs_priv.h \
	tui/view/metrics.c \
	tui/view/offer_details.c \
	tui/view/offers.c tui/view/offers_priv.h \
	tui/view/offers_flash.c \
	tui/view/offers_rows.c \
	tui/view/offers_saved.c \
	tui/view/planned.c \
	tui/view/recipes.c \
	tui/view/views.h \
	tui/term/crash.c tui/term/crash.h \
	tui/term/input.c tui/term/input.h \
	tui/term/paint.c tui/term/paint.h \
	tui/term/term.c tui/term/term.h tui/term/pen.c tui/term/pen.h tui/term/rowpath.c tui/term/rowpath.h \
	tui/term/links.c tui/term/links.h tui/term/rows.c tui/term/rows.h tui/term/sgr.c tui/term/sgr.h tui/term/truecolor.c tui/term/truecolor.h
libtui_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS)
