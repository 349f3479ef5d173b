noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	core/store/catalog.h \
	core/store/db.c core/store/db.h \
	core/store/state.c core/store/state.h \
	core/store/state_schema.c core/store/state_schema.h
STORE_LIBS = libstore.a $(MODEL_LIBS) $(SQLITE_LIBS)
