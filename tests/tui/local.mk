# The screen. Unit tests of its pure parts; and screens: a program with the product's libtui over a made-up world runs under a
# real pty, libvterm shows what it draws, and whole screens are compared (screens.c). SKYTOP_UPDATE=1 writes them anew.
check_PROGRAMS += tests/tui/skytop_screen
TUI_LIBS = libtui.a $(API_LIBS) $(CURSES_LIBS)
FAKE_SOURCE = tests/tui/fake_source.c tests/tui/fake_source.h tests/tui/fake_cost.c tests/tui/fake_cost.h
tests_tui_skytop_screen_SOURCES = tests/tui/skytop_screen.c $(FAKE_SOURCE)
tests_tui_skytop_screen_LDADD = $(TUI_LIBS)

if HAVE_CMOCKA
TUI_TESTS = tests/tui/test_canvas tests/tui/test_dialogs tests/tui/test_grid tests/tui/test_input tests/tui/test_list tests/tui/test_logbuf tests/tui/test_panes tests/tui/test_tables
check_PROGRAMS += $(TUI_TESTS)
TESTS += $(TUI_TESTS)
tests_tui_test_canvas_SOURCES = tests/tui/test_canvas.c
tests_tui_test_canvas_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_canvas_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_dialogs_SOURCES = tests/tui/test_dialogs.c
tests_tui_test_dialogs_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_dialogs_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_grid_SOURCES = tests/tui/test_grid.c
tests_tui_test_grid_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_grid_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_input_SOURCES = tests/tui/test_input.c
tests_tui_test_input_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_input_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_list_SOURCES = tests/tui/test_list.c
tests_tui_test_list_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_list_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_logbuf_SOURCES = tests/tui/test_logbuf.c
tests_tui_test_logbuf_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_logbuf_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_panes_SOURCES = tests/tui/test_panes.c
tests_tui_test_panes_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_panes_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_tables_SOURCES = tests/tui/test_tables.c
tests_tui_test_tables_CPPFLAGS = $(TEST_CFLAGS)
check_PROGRAMS += tests/tui/test_cost
TESTS += tests/tui/test_cost
tests_tui_test_cost_SOURCES = tests/tui/test_cost.c $(FAKE_SOURCE)
tests_tui_test_cost_CPPFLAGS = $(TEST_CFLAGS)
tests_tui_test_cost_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS)
tests_tui_test_tables_LDADD = $(TUI_LIBS) $(CMOCKA_LIBS) -lm
endif

if HAVE_CMOCKA
if HAVE_VTERM
# test_screens is there twice, once in the C locale.
STAGE = tests/tui/stage.c tests/tui/stage.h tests/tui/screen.c tests/tui/screen.h tests/tui/fixture.c tests/tui/fixture.h
STAGE_LIBS = $(TUI_LIBS) $(CMOCKA_LIBS) $(VTERM_LIBS) $(UTIL_LIBS)
STAGE_CFLAGS = $(TEST_CFLAGS) $(VTERM_CFLAGS)
SCREEN_TESTS = tests/tui/test_repaint tests/tui/test_screens tests/tui/test_screens_ascii tests/tui/test_orders tests/tui/test_offers \
	tests/tui/test_logs tests/tui/test_look tests/tui/test_views tests/tui/test_tour
check_PROGRAMS += tests/tui/test_terminal $(SCREEN_TESTS)
TESTS += $(SCREEN_TESTS)
tests_tui_test_repaint_SOURCES = tests/tui/test_repaint.c
tests_tui_test_repaint_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_repaint_LDADD = $(STAGE_LIBS)
tests_tui_test_screens_SOURCES = tests/tui/test_screens.c $(STAGE)
tests_tui_test_screens_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_screens_LDADD = $(STAGE_LIBS)
tests_tui_test_screens_ascii_SOURCES = tests/tui/test_screens.c $(STAGE)
tests_tui_test_screens_ascii_CPPFLAGS = $(STAGE_CFLAGS) -DGOLDEN_C_LOCALE
tests_tui_test_screens_ascii_LDADD = $(STAGE_LIBS)
tests_tui_test_terminal_SOURCES = tests/tui/test_terminal.c $(STAGE)
tests_tui_test_terminal_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_terminal_LDADD = $(STAGE_LIBS)
tests_tui_test_orders_SOURCES = tests/tui/test_orders.c $(STAGE)
tests_tui_test_orders_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_orders_LDADD = $(STAGE_LIBS)
tests_tui_test_offers_SOURCES = tests/tui/test_offers.c $(STAGE)
tests_tui_test_offers_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_offers_LDADD = $(STAGE_LIBS)
tests_tui_test_logs_SOURCES = tests/tui/test_logs.c $(STAGE)
tests_tui_test_logs_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_logs_LDADD = $(STAGE_LIBS)
tests_tui_test_look_SOURCES = tests/tui/test_look.c $(STAGE)
tests_tui_test_look_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_look_LDADD = $(STAGE_LIBS)
tests_tui_test_views_SOURCES = tests/tui/test_views.c $(STAGE)
tests_tui_test_views_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_views_LDADD = $(STAGE_LIBS)
tests_tui_test_tour_SOURCES = tests/tui/test_tour.c tests/tui/screen.c tests/tui/screen.h
tests_tui_test_tour_CPPFLAGS = $(STAGE_CFLAGS)
tests_tui_test_tour_LDADD = $(STAGE_LIBS)
endif
endif
EXTRA_DIST += tests/tui/golden
TESTS += tests/tui/test_rows.py
EXTRA_DIST += tests/tui/test_rows.py tests/tui/ROWS.md
