noinst_LIBRARIES += libstore.a
libstore_a_SOURCES =
STORE_LIBS = libstore.a $(MODEL_LIBS) $(SQLITE_LIBS)
