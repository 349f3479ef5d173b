noinst_LIBRARIES += libio.a
libio_a_SOURCES =
libio_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
IO_LIBS = libio.a $(BASE_LIBS)
