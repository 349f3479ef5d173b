noinst_LIBRARIES += libtui.a
libtui_a_SOURCES = \
	tui/source.c tui/source.h
libtui_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS)
