if HAVE_CMOCKA
check_PROGRAMS += tests/run/test_hosts
TESTS += tests/run/test_hosts
tests_run_test_hosts_SOURCES = tests/run/test_hosts.c
tests_run_test_hosts_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_hosts_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/run/test_hooks
TESTS += tests/run/test_hooks
tests_run_test_hooks_SOURCES = tests/run/test_hooks.c
tests_run_test_hooks_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_hooks_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
endif
dist_check_SCRIPTS += tests/run/test_access.py tests/run/test_login.py
TESTS += tests/run/test_access.py tests/run/test_login.py
if HAVE_CMOCKA
check_PROGRAMS += tests/run/test_remote
TESTS += tests/run/test_remote
tests_run_test_remote_SOURCES = tests/run/test_remote.c
tests_run_test_remote_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_remote_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
endif
dist_check_SCRIPTS += tests/run/test_crash.py tests/run/test_faults.py tests/run/test_logs.py tests/run/test_session.py tests/run/engine_test.py
TESTS += tests/run/test_crash.py
dist_check_SCRIPTS += tests/run/test_money.py
dist_check_SCRIPTS += tests/run/test_sync.py
if HAVE_CMOCKA
check_PROGRAMS += tests/run/test_logs_prune
TESTS += tests/run/test_logs_prune
tests_run_test_logs_prune_SOURCES = tests/run/test_logs_prune.c
tests_run_test_logs_prune_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_logs_prune_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
check_PROGRAMS += tests/run/test_objects
TESTS += tests/run/test_objects
tests_run_test_objects_SOURCES = tests/run/test_objects.c
tests_run_test_objects_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_objects_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
endif
dist_check_SCRIPTS += tests/run/test_fetch.py tests/run/test_fetch_clouds.py tests/run/test_fetch_node.py tests/run/test_fetch_ssh.py
TESTS += tests/run/test_fetch_clouds.py tests/run/test_fetch_ssh.py
dist_check_SCRIPTS += tests/run/test_metrics.py
if HAVE_CMOCKA
check_PROGRAMS += tests/run/test_call_hosts
TESTS += tests/run/test_call_hosts
tests_run_test_call_hosts_SOURCES = tests/run/test_call_hosts.c
tests_run_test_call_hosts_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_call_hosts_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
endif
dist_check_SCRIPTS += tests/run/test_sweep.py
TESTS += tests/run/test_sweep.py
if HAVE_CMOCKA
check_PROGRAMS += tests/run/test_call
TESTS += tests/run/test_call
tests_run_test_call_SOURCES = tests/run/test_call.c tests/run/web.c tests/run/web.h
tests_run_test_call_CPPFLAGS = $(TEST_CFLAGS)
tests_run_test_call_LDADD = $(RUN_LIBS) $(CMOCKA_LIBS)
endif
# The program with a cloud that tests serve themselves in place of those that are sold.
check_PROGRAMS += skytop-fake
skytop_fake_SOURCES = tui/main.c tests/run/fake_cloud.c
skytop_fake_LDADD = libcli.a libtui.a libproviders.a $(API_LIBS) $(CURSES_LIBS)
EXTRA_DIST += tests/run/fake_cloud.py
dist_check_SCRIPTS += tests/run/test_cloud_ssh.py
TESTS += tests/run/test_cloud_ssh.py
dist_check_SCRIPTS += tests/run/test_clouds.py
TESTS += tests/run/test_clouds.py
dist_check_SCRIPTS += tests/run/test_failover.py tests/run/test_left.py tests/run/test_route.py
TESTS += tests/run/test_route.py
dist_check_SCRIPTS += tests/run/test_cloud_torture.py
