if HAVE_CMOCKA
check_PROGRAMS += tests/io/test_io
TESTS += tests/io/test_io
tests_io_test_io_SOURCES = tests/io/test_io.c
tests_io_test_io_CPPFLAGS = $(TEST_CFLAGS)
tests_io_test_io_LDADD = $(IO_LIBS) $(CMOCKA_LIBS)
endif
