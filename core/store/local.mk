noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	core/store/catalog.c core/store/catalog.h core/store/catalog_content.c \
	core/store/catalog_import.c core/store/catalog_update.c \
	core/store/catalog_db.c core/store/catalog_db.h \
	core/store/csv.c core/store/csv.h \
	core/store/db.c core/store/db.h \
	core/store/gcp.c core/store/gcp.h \
	core/store/import.c core/store/import.h \
	core/store/on_demand.c core/store/on_demand.h \
	core/store/pack.c core/store/pack.h \
	core/store/pricelist.c core/store/pricelist.h \
	core/store/prices_file.c core/store/prices_file.h \
	core/store/saved.c core/store/saved.h \
	core/store/state.c core/store/state.h core/store/state_priv.h \
	core/store/state_figures.c core/store/state_figures.h \
	core/store/state_ledger.c \
	core/store/state_schema.c core/store/state_schema.h \
	core/store/vms_csv.c core/store/vms_csv.h
STORE_LIBS = libstore.a $(MODEL_LIBS) $(SQLITE_LIBS)
