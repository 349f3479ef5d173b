# (Python without its site: nothing but its own library is used, and what others put there to be run at each start takes time.)
# Every test speaks TAP: cmocka programs, shell scripts and Python scripts alike, so that the last line counts cases.
TEST_EXTENSIONS = .sh .py
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_COMPILER = $(SHELL)
PY_LOG_COMPILER = $(PYTHON3) -S
AM_TESTS_ENVIRONMENT = \
	PATH=$(PYTHON3_PATH)$$PATH; export PATH; \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	SKYTOP=$(abs_top_builddir)/skytop$(EXEEXT); export SKYTOP; \
	top_srcdir=$(abs_top_srcdir); export top_srcdir; \
	top_builddir=$(abs_top_builddir); export top_builddir;
TEST_CFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

# Many tests wait more than they work, so more of them run at a time than there are processors, whatever -j make was given:
# `make check CHECK_JOBS=1` runs one after the other. (config.h is always made anew, at no cost but that what depends on it comes last; the programs
# have been made by then.)
CHECK_JOBS = $(shell expr 4 + 2 \* `getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2`)
AM_MAKEFLAGS = $(if $(filter check-TESTS,$(MAKECMDGOALS)),-j$(CHECK_JOBS) -o config.h)

# They begin in this order. Those that take longest come first, the longest of all at the top, so that none of them is left over at the end; then the
# screen's, which wait.
TESTS += \
	tests/providers/test_azure_life.py \
	tests/providers/test_aws.py \
	tests/agent/test_agent.sh
if HAVE_CMOCKA
if HAVE_VTERM
TESTS += tests/tui/test_terminal
endif
TESTS += tests/providers/test_ssh_pool
endif
TESTS += \
	tests/run/test_sync.py \
	tests/run/test_fetch_node.py \
	tests/ssh/test_ssh_login.py \
	tests/ssh/test_pool.py \
	tests/store/test_update.py \
	tests/providers/test_gcp_life.py \
	tests/run/test_left.py \
	tests/run/test_fetch.py \
	tests/cli/test_demo.py \
	tests/run/test_session.py \
	tests/run/test_faults.py \
	tests/ssh/test_crash_pool.py \
	tests/run/test_money.py \
	tests/ssh/test_logs.py \
	tests/run/test_failover.py \
	tests/run/test_metrics.py \
	tests/providers/test_torture.py \
	tests/run/test_logs.py \
	tests/run/test_cloud_torture.py
include tests/tui/local.mk
include tests/providers/local.mk
include tests/agent/local.mk
include tests/io/local.mk
include tests/run/local.mk
include tests/ssh/local.mk
include tests/base/local.mk
include tests/model/local.mk
include tests/store/local.mk
include tests/plan/local.mk
include tests/api/local.mk
include tests/cli/local.mk
include tests/lint/local.mk
include tests/bench/local.mk
include tests/fuzz/local.mk

# After `make check` in a build with --enable-coverage: how much of each file the tests ran.
coverage:
	@find . -name '*.gcda' -exec gcov -n {} + 2>/dev/null | $(AWK) ' \
		/^File / { f = $$2; gsub(/\047|\.\.\//, "", f) } \
		/^Lines executed:/ && f ~ /^(core|providers|tui)\// { split($$2, p, /[:%]/); if (p[2] + 0 >= best[f] + 0) { best[f] = p[2]; n[f] = $$4 } } \
		END { for (f in best) { printf "%6.1f%%  %s\n", best[f], f; all += n[f]; hit += n[f] * best[f] / 100 } \
			if (all) printf "%6.1f%%  of %d lines\n", 100 * hit / all, all; else print "no coverage data: ../configure --enable-coverage, make check" }' | sort -n
.PHONY: coverage
