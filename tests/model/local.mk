MODEL_TABLES = tests/model/test_cases.py tests/model/test_conformance.py
TESTS += $(MODEL_TABLES)
EXTRA_DIST += $(MODEL_TABLES) tests/model/cases.txt

if HAVE_CMOCKA
MODEL_TESTS = tests/model/test_config tests/model/test_task tests/model/test_tree tests/model/test_yaml
check_PROGRAMS += $(MODEL_TESTS)
TESTS += $(MODEL_TESTS)
tests_model_test_config_SOURCES = tests/model/test_config.c
tests_model_test_config_CPPFLAGS = $(TEST_CFLAGS)
tests_model_test_config_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_model_test_task_SOURCES = tests/model/test_task.c
tests_model_test_task_CPPFLAGS = $(TEST_CFLAGS)
tests_model_test_task_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_model_test_tree_SOURCES = tests/model/test_tree.c
tests_model_test_tree_CPPFLAGS = $(TEST_CFLAGS)
tests_model_test_tree_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_model_test_yaml_SOURCES = tests/model/test_yaml.c
tests_model_test_yaml_CPPFLAGS = $(TEST_CFLAGS)
tests_model_test_yaml_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
endif
