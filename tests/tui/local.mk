check_PROGRAMS += tests/tui/skytop_screen
FAKE_SOURCE = tests/tui/fake_source.c tests/tui/fake_source.h
tests_tui_skytop_screen_SOURCES = tests/tui/skytop_screen.c $(FAKE_SOURCE)
tests_tui_skytop_screen_LDADD = libtui.a $(STORE_AND_PLAN) $(CURSES_LIBS)
STORE_AND_PLAN = $(PLAN_LIBS)
