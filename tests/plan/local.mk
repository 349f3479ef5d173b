if HAVE_CMOCKA
check_PROGRAMS += tests/plan/test_filter
TESTS += tests/plan/test_filter
tests_plan_test_filter_SOURCES = tests/plan/test_filter.c
tests_plan_test_filter_CPPFLAGS = $(TEST_CFLAGS)
tests_plan_test_filter_LDADD = $(PLAN_LIBS) $(CMOCKA_LIBS)
endif
