noinst_LIBRARIES += libapi.a
libapi_a_SOURCES = \
	core/api/api.c core/api/protocol.h \
	core/api/ask.c core/api/ask.h \
	core/api/client.c core/api/client.h \
	core/api/daemon.c core/api/daemon.h \
	core/api/live.c core/api/live.h \
	core/api/logread.c core/api/logread.h \
	core/api/server.c core/api/server.h
API_LIBS = libapi.a $(RUN_LIBS)
