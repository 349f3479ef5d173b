# The screen (libtui.a), the verbs (libcli.a) and the program that joins everything.
include tui/screen.mk
include tui/verbs.mk

bin_PROGRAMS += skytop
skytop_SOURCES = tui/main.c core/provider.h
skytop_LDADD = libcli.a libtui.a libproviders.a $(API_LIBS) $(CURSES_LIBS)
