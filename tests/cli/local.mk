# Transcripts of the command line.
CLI_TESTS = \
	tests/cli/test_check.sh \
	tests/cli/test_completions.sh \
	tests/cli/test_dryrun.sh \
	tests/cli/test_frame.sh \
	tests/cli/test_offers.sh \
	tests/cli/test_recipes.sh \
	tests/cli/test_screen.sh \
	tests/cli/test_ssh_pool.sh \
	tests/cli/test_task.sh \
	tests/cli/test_tty.py
TESTS += $(CLI_TESTS)
EXTRA_DIST += $(CLI_TESTS) tests/cli/test_demo.py tests/cli/tap.sh
EXTRA_DIST += tests/cli/.shellcheckrc
if HAVE_CMOCKA
check_PROGRAMS += tests/cli/test_cli
TESTS += tests/cli/test_cli
tests_cli_test_cli_SOURCES = tests/cli/test_cli.c
tests_cli_test_cli_CPPFLAGS = $(TEST_CFLAGS)
tests_cli_test_cli_LDADD = libcli.a $(API_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/cli/test_logs
TESTS += tests/cli/test_logs
tests_cli_test_logs_SOURCES = tests/cli/test_logs.c
tests_cli_test_logs_CPPFLAGS = $(TEST_CFLAGS)
tests_cli_test_logs_LDADD = libcli.a $(API_LIBS) $(CMOCKA_LIBS)
endif
