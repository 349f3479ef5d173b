# The prices that come with the program: text files, and the catalog that is built of them.
PRICE_FILES = \
	share/catalog/aws.prices \
	share/catalog/azure.prices \
	share/catalog/egress.prices \
	share/catalog/gcp.prices \
	share/catalog/neoclouds.prices
EXTRA_DIST += $(PRICE_FILES) share/catalog/README.md share/catalog/make_snapshot_data.py

catalogdir = $(pkgdatadir)/catalog
dist_catalog_DATA = share/catalog/snapshot.db
if !CROSS_COMPILING
noinst_PROGRAMS += share/catalog/build_snapshot
share_catalog_build_snapshot_SOURCES = share/catalog/build_snapshot.c
share_catalog_build_snapshot_LDADD = $(STORE_LIBS)
share/catalog/snapshot.db: $(PRICE_FILES) share/catalog/build_snapshot$(EXEEXT)
	$(AM_V_GEN)cd $(srcdir) && $(abs_builddir)/share/catalog/build_snapshot$(EXEEXT) $(abs_builddir)/$@.new $(PRICE_FILES) && \
		mv $(abs_builddir)/$@.new $(abs_builddir)/$@
CLEANFILES += share/catalog/snapshot.db
endif
