if HAVE_CMOCKA
check_PROGRAMS += tests/io/test_io
TESTS += tests/io/test_io
tests_io_test_io_SOURCES = tests/io/test_io.c
tests_io_test_io_CPPFLAGS = $(TEST_CFLAGS)
tests_io_test_io_LDADD = $(IO_LIBS) $(CMOCKA_LIBS)
SSH_FARM = tests/io/ssh_farm.c tests/io/ssh_farm.h
check_PROGRAMS += tests/io/test_ssh
TESTS += tests/io/test_ssh
tests_io_test_ssh_SOURCES = tests/io/test_ssh.c $(SSH_FARM)
tests_io_test_ssh_CPPFLAGS = $(TEST_CFLAGS)
tests_io_test_ssh_LDADD = $(IO_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/io/test_ssh_keys
TESTS += tests/io/test_ssh_keys
tests_io_test_ssh_keys_SOURCES = tests/io/test_ssh_keys.c $(SSH_FARM)
tests_io_test_ssh_keys_CPPFLAGS = $(TEST_CFLAGS)
tests_io_test_ssh_keys_LDADD = $(IO_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/io/test_ssh_forward
TESTS += tests/io/test_ssh_forward
tests_io_test_ssh_forward_SOURCES = tests/io/test_ssh_forward.c $(SSH_FARM)
tests_io_test_ssh_forward_CPPFLAGS = $(TEST_CFLAGS)
tests_io_test_ssh_forward_LDADD = $(IO_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/io/test_ssh_config
TESTS += tests/io/test_ssh_config
tests_io_test_ssh_config_SOURCES = tests/io/test_ssh_config.c
tests_io_test_ssh_config_CPPFLAGS = $(TEST_CFLAGS)
tests_io_test_ssh_config_LDADD = $(IO_LIBS) $(CMOCKA_LIBS)
endif
