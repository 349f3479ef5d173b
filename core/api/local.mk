noinst_LIBRARIES += libapi.a
libapi_a_SOURCES =
API_LIBS = libapi.a $(RUN_LIBS)
