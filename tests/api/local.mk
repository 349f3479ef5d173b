if HAVE_CMOCKA
check_PROGRAMS += tests/api/test_logread
TESTS += tests/api/test_logread
tests_api_test_logread_SOURCES = tests/api/test_logread.c
tests_api_test_logread_CPPFLAGS = $(TEST_CFLAGS)
tests_api_test_logread_LDADD = $(API_LIBS) $(CMOCKA_LIBS)
endif
