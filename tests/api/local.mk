if HAVE_CMOCKA
check_PROGRAMS += tests/api/test_logread
TESTS += tests/api/test_logread
tests_api_test_logread_SOURCES = tests/api/test_logread.c
tests_api_test_logread_CPPFLAGS = $(TEST_CFLAGS)
tests_api_test_logread_LDADD = $(API_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/api/test_live
TESTS += tests/api/test_live
tests_api_test_live_SOURCES = tests/api/test_live.c
tests_api_test_live_CPPFLAGS = $(TEST_CFLAGS)
tests_api_test_live_LDADD = $(API_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/api/test_client
TESTS += tests/api/test_client
tests_api_test_client_SOURCES = tests/api/test_client.c
tests_api_test_client_CPPFLAGS = $(TEST_CFLAGS)
tests_api_test_client_LDADD = $(API_LIBS) $(CMOCKA_LIBS)
endif
