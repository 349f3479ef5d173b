if HAVE_CMOCKA
check_PROGRAMS += tests/plan/test_filter
TESTS += tests/plan/test_filter
tests_plan_test_filter_SOURCES = tests/plan/test_filter.c
tests_plan_test_filter_CPPFLAGS = $(TEST_CFLAGS)
tests_plan_test_filter_LDADD = $(PLAN_LIBS) $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
check_PROGRAMS += tests/plan/test_plan tests/plan/test_plan_cases
TESTS += tests/plan/test_plan tests/plan/test_plan_cases
tests_plan_test_plan_SOURCES = tests/plan/test_plan.c tests/plan/world.h
tests_plan_test_plan_CPPFLAGS = $(TEST_CFLAGS)
tests_plan_test_plan_LDADD = $(PLAN_LIBS) $(CMOCKA_LIBS)
tests_plan_test_plan_cases_SOURCES = tests/plan/test_plan_cases.c tests/plan/world.h
tests_plan_test_plan_cases_CPPFLAGS = $(TEST_CFLAGS)
tests_plan_test_plan_cases_LDADD = $(PLAN_LIBS) $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
check_PROGRAMS += tests/plan/test_spend
TESTS += tests/plan/test_spend
tests_plan_test_spend_SOURCES = tests/plan/test_spend.c
tests_plan_test_spend_CPPFLAGS = $(TEST_CFLAGS)
tests_plan_test_spend_LDADD = $(PLAN_LIBS) $(CMOCKA_LIBS)
endif
TESTS += tests/plan/test_conformance.py
EXTRA_DIST += tests/plan/test_conformance.py
if HAVE_CMOCKA
check_PROGRAMS += tests/plan/test_rings
TESTS += tests/plan/test_rings
tests_plan_test_rings_SOURCES = tests/plan/test_rings.c
tests_plan_test_rings_CPPFLAGS = $(TEST_CFLAGS)
tests_plan_test_rings_LDADD = $(PLAN_LIBS) $(CMOCKA_LIBS)
endif
