noinst_LIBRARIES += libio.a
libio_a_SOURCES = \
	core/io/http.c core/io/http.h \
	core/io/loop.c core/io/loop.h \
	core/io/proc.c core/io/proc.h \
	core/io/reading.c core/io/reading.h \
	core/io/rpc.c core/io/rpc.h \
	core/io/ssh.c core/io/ssh.h core/io/ssh_priv.h \
	core/io/ssh_agent.c core/io/ssh_agent.h \
	core/io/ssh_auth.c \
	core/io/ssh_channel.c \
	core/io/ssh_config.c core/io/ssh_config.h \
	core/io/ssh_forward.c core/io/ssh_forward.h \
	core/io/ssh_host.c \
	core/io/ssh_key.c \
	core/io/ssh_keyfile.c core/io/ssh_keyfile.h \
	core/io/ssh_known.c core/io/ssh_known.h \
	core/io/ssh_lib.c core/io/ssh_lib.h \
	core/io/ssh_memory.c \
	core/io/ssh_reach.c \
	core/io/ssh_resolve.c \
	core/io/ssh_wire.h \
	core/io/tar.c core/io/tar.h
libio_a_CPPFLAGS = $(AM_CPPFLAGS) $(ARCHIVE_CFLAGS) $(CURL_CFLAGS) $(SSH_CFLAGS)
IO_LIBS = libio.a $(BASE_LIBS)
