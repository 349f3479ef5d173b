# `make bench`: how fast things are, each figure beside its bar; no part of make check, which asserts no wall time. A bench
# is bench_NAME.c (add it to BENCHES), bench_NAME.sh or bench_NAME.py (add it to BENCH_FILES) that prints lines of
# name TAB value TAB unit TAB bar: "5" is at most 5, ">=5" at least 5, "-" none. run.sh puts them in one table.
BENCHES = tests/bench/bench_catalog tests/bench/bench_plan tests/bench/spawn tests/bench/bench_task \
	tests/bench/ssh_client
BENCH_FILES = tests/bench/bench_agent.sh tests/bench/bench_dryrun.sh tests/bench/bench_logs.py \
	tests/bench/bench_offers.sh tests/bench/bench_ssh.sh \
	tests/bench/bench_start.sh tests/bench/bench_sync.py tests/bench/bench_tui.py tests/bench/bench_nodes.py \
	tests/bench/bench_clusters.py
EXTRA_PROGRAMS += $(BENCHES)
EXTRA_DIST += $(BENCH_FILES) tests/bench/run.sh
CLEANFILES += $(BENCHES) bench.tsv

tests_bench_bench_catalog_SOURCES = tests/bench/bench_catalog.c
tests_bench_bench_catalog_LDADD = $(PLAN_LIBS)

tests_bench_bench_plan_SOURCES = tests/bench/bench_plan.c
tests_bench_bench_plan_LDADD = $(PLAN_LIBS)

tests_bench_spawn_SOURCES = tests/bench/spawn.c
tests_bench_spawn_LDADD = $(BASE_LIBS)
tests_bench_ssh_client_SOURCES = tests/bench/ssh_client.c
tests_bench_ssh_client_LDADD = $(IO_LIBS)
tests_bench_bench_task_SOURCES = tests/bench/bench_task.c
tests_bench_bench_task_LDADD = $(MODEL_LIBS)

# BENCH="start offers" runs only these.
bench: all $(BENCHES) tests/tui/skytop_screen
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(top_srcdir)/tests/bench/run.sh $(BENCH)
.PHONY: bench
