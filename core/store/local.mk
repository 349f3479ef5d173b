noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	core/store/catalog.h
STORE_LIBS = libstore.a $(MODEL_LIBS) $(SQLITE_LIBS)
