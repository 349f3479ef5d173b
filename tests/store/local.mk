if HAVE_CMOCKA
check_PROGRAMS += tests/store/test_state
TESTS += tests/store/test_state
tests_store_test_state_SOURCES = tests/store/test_state.c
tests_store_test_state_CPPFLAGS = $(TEST_CFLAGS)
tests_store_test_state_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/store/test_catalog
TESTS += tests/store/test_catalog
tests_store_test_catalog_SOURCES = tests/store/test_catalog.c tests/store/catalog_box.c tests/store/catalog_box.h
tests_store_test_catalog_CPPFLAGS = $(TEST_CFLAGS)
tests_store_test_catalog_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/store/test_catalog_damage
TESTS += tests/store/test_catalog_damage
tests_store_test_catalog_damage_SOURCES = tests/store/test_catalog_damage.c tests/store/catalog_box.c tests/store/catalog_box.h
tests_store_test_catalog_damage_CPPFLAGS = $(TEST_CFLAGS)
tests_store_test_catalog_damage_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
endif

dist_check_SCRIPTS += tests/store/test_lists.py tests/store/test_update.py
TESTS += tests/store/test_lists.py
