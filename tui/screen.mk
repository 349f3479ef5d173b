noinst_LIBRARIES += libtui.a
libtui_a_SOURCES = \
	tui/action.c tui/action.h \
	tui/ascii.c \
	tui/canvas.c tui/canvas.h \
	tui/field.c tui/field.h \
	tui/grid.c tui/grid.h \
	tui/keys.c tui/keys.h \
	tui/layout.c tui/layout.h \
	tui/source.c tui/source.h \
	tui/theme.c tui/theme.h \
	tui/tui.h \
	tui/width.c tui/width.h \
	tui/term/crash.c tui/term/crash.h \
	tui/term/input.c tui/term/input.h \
	tui/term/paint.c tui/term/paint.h \
	tui/term/term.c tui/term/term.h
libtui_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS)
