# The command line: the frame, and one file a verb.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	tui/cli/budget.c \
	tui/cli/catalog.c \
	tui/cli/catalog_live.c tui/cli/catalog_live.h \
	tui/cli/check_account.c tui/cli/check_account.h \
	tui/cli/cost.c \
	tui/cli/check.c \
	tui/cli/cloud_side.c \
	tui/cli/cli.c tui/cli/cli.h tui/cli/cli_priv.h \
	tui/cli/completions.c \
	tui/cli/config.c \
	tui/cli/help.c \
	tui/cli/dryrun.c tui/cli/dryrun.h \
	tui/cli/engine_config.c tui/cli/engine_config.h \
	tui/cli/engine_pack.c \
	tui/cli/status.c \
	tui/cli/sweep.c \
	tui/cli/ssh_pool.c \
	tui/cli/pool_file.c tui/cli/pool_file.h \
	tui/cli/session_task.c \
	tui/cli/session.c tui/cli/session.h \
	tui/cli/session_log.c \
	tui/cli/since.c tui/cli/since.h \
	tui/cli/logfilter.c tui/cli/logfilter.h \
	tui/cli/logsieve.c tui/cli/logsieve.h \
	tui/cli/logs.c \
	tui/cli/logs_sync.c tui/cli/logs_sync.h \
	tui/cli/lifecycle.c \
	tui/cli/launch.c tui/cli/launch.h \
	tui/cli/login.c tui/cli/login.h \
	tui/cli/ssh.c \
	tui/cli/debug.c \
	tui/cli/demo.c tui/cli/demo.h \
	tui/cli/demo_past.c tui/cli/demo_world.c \
	tui/cli/jobs.c \
	tui/cli/engine.c \
	tui/cli/man.c \
	tui/cli/markdown.c \
	tui/cli/metrics.c \
	tui/cli/offers.c \
	tui/cli/offers_print.c tui/cli/offers_print.h tui/cli/offers_live.c tui/cli/offers_live.h \
	tui/cli/output.c \
	tui/cli/plan_text.c \
	tui/cli/recipes.c \
	tui/cli/requests.c \
	tui/cli/screen.c \
	tui/cli/table.c tui/cli/table.h \
	tui/cli/task.c \
	tui/cli/task_file.c tui/cli/task_file.h \
	tui/cli/texts.c \
	tui/cli/verbs.c \
	tui/cli/words.c
