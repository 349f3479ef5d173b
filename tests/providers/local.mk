if HAVE_CMOCKA
PROVIDER_RIG = tests/providers/rig.c tests/providers/rig.h tests/providers/conformance.c tests/providers/conformance.h

check_PROGRAMS += tests/providers/test_local
TESTS += tests/providers/test_local
tests_providers_test_local_SOURCES = tests/providers/test_local.c $(PROVIDER_RIG)
tests_providers_test_local_CPPFLAGS = $(TEST_CFLAGS)
tests_providers_test_local_LDADD = libproviders.a $(MODEL_LIBS) $(CMOCKA_LIBS)
endif
