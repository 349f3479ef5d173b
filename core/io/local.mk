noinst_LIBRARIES += libio.a
libio_a_SOURCES = \
	core/io/http.c core/io/http.h \
	core/io/lazy.c core/io/lazy.h \
	core/io/loop.c core/io/loop.h \
	core/io/proc.c core/io/proc.h \
	core/io/rpc.c core/io/rpc.h
libio_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
IO_LIBS = libio.a $(BASE_LIBS)
