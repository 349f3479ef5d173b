if HAVE_CMOCKA
check_PROGRAMS += tests/base/test_base
TESTS += tests/base/test_base
tests_base_test_base_SOURCES = tests/base/test_base.c
tests_base_test_base_CPPFLAGS = $(TEST_CFLAGS)
tests_base_test_base_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/base/test_fs
TESTS += tests/base/test_fs
tests_base_test_fs_SOURCES = tests/base/test_fs.c
tests_base_test_fs_CPPFLAGS = $(TEST_CFLAGS)
tests_base_test_fs_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/base/test_trace
TESTS += tests/base/test_trace
tests_base_test_trace_SOURCES = tests/base/test_trace.c
tests_base_test_trace_CPPFLAGS = $(TEST_CFLAGS)
tests_base_test_trace_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif
