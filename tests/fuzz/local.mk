# Fuzz targets: what reads foreign bytes. A target is fuzz_NAME.c with LLVMFuzzerTestOneInput, a folder corpus/NAME, and
# four lines here. With --enable-fuzz (clang) it is linked to libFuzzer; otherwise to replay.c, which runs it over its corpus
# and over damaged copies of that: so `make check` replays all of them (replay.sh). `make fuzz` looks for new inputs.
if FUZZ
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LINK = $(AM_LDFLAGS)
endif
TESTS += tests/fuzz/replay.sh
EXTRA_DIST += tests/fuzz/replay.sh tests/fuzz/replay.c tests/fuzz/must.h tests/fuzz/corpus

FUZZERS += tests/fuzz/fuzz_text
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c $(FUZZ_MAIN)
tests_fuzz_fuzz_text_LDADD = libcli.a $(BASE_LIBS)
tests_fuzz_fuzz_text_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_task
tests_fuzz_fuzz_task_SOURCES = tests/fuzz/fuzz_task.c $(FUZZ_MAIN)
tests_fuzz_fuzz_task_LDADD = $(MODEL_LIBS)
tests_fuzz_fuzz_task_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_filter
tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/fuzz_filter.c $(FUZZ_MAIN)
tests_fuzz_fuzz_filter_LDADD = $(PLAN_LIBS)
tests_fuzz_fuzz_filter_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_prices
tests_fuzz_fuzz_prices_SOURCES = tests/fuzz/fuzz_prices.c $(FUZZ_MAIN)
tests_fuzz_fuzz_prices_LDADD = $(STORE_LIBS)
tests_fuzz_fuzz_prices_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wire_LDADD = $(IO_LIBS)
tests_fuzz_fuzz_wire_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_objects
tests_fuzz_fuzz_objects_SOURCES = tests/fuzz/fuzz_objects.c $(FUZZ_MAIN)
tests_fuzz_fuzz_objects_LDADD = $(RUN_LIBS)
tests_fuzz_fuzz_objects_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(MODEL_LIBS)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_input
tests_fuzz_fuzz_input_SOURCES = tests/fuzz/fuzz_input.c $(FUZZ_MAIN)
tests_fuzz_fuzz_input_LDADD = libtui.a $(PLAN_LIBS) $(CURSES_LIBS)
tests_fuzz_fuzz_input_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_log
tests_fuzz_fuzz_log_SOURCES = tests/fuzz/fuzz_log.c $(FUZZ_MAIN)
tests_fuzz_fuzz_log_LDADD = libtui.a $(API_LIBS) $(CURSES_LIBS)
tests_fuzz_fuzz_log_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_theme
tests_fuzz_fuzz_theme_SOURCES = tests/fuzz/fuzz_theme.c $(FUZZ_MAIN)
tests_fuzz_fuzz_theme_LDADD = libtui.a $(PLAN_LIBS) $(CURSES_LIBS)
tests_fuzz_fuzz_theme_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_keys
tests_fuzz_fuzz_keys_SOURCES = tests/fuzz/fuzz_keys.c $(FUZZ_MAIN)
tests_fuzz_fuzz_keys_LDADD = libtui.a $(PLAN_LIBS) $(CURSES_LIBS)
tests_fuzz_fuzz_keys_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_unpack
tests_fuzz_fuzz_unpack_SOURCES = tests/fuzz/fuzz_unpack.c $(FUZZ_MAIN)
tests_fuzz_fuzz_unpack_LDADD = $(MODEL_LIBS)
tests_fuzz_fuzz_unpack_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_plan
tests_fuzz_fuzz_plan_SOURCES = tests/fuzz/fuzz_plan.c $(FUZZ_MAIN)
tests_fuzz_fuzz_plan_LDADD = $(PLAN_LIBS)
tests_fuzz_fuzz_plan_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_provider
tests_fuzz_fuzz_provider_SOURCES = tests/fuzz/fuzz_provider.c $(FUZZ_MAIN)
tests_fuzz_fuzz_provider_LDADD = libproviders.a $(MODEL_LIBS)
tests_fuzz_fuzz_provider_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_tree
tests_fuzz_fuzz_tree_SOURCES = tests/fuzz/fuzz_tree.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tree_LDADD = $(MODEL_LIBS)
tests_fuzz_fuzz_tree_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_ssh
tests_fuzz_fuzz_ssh_SOURCES = tests/fuzz/fuzz_ssh.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ssh_LDADD = $(IO_LIBS)
tests_fuzz_fuzz_ssh_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_xml
tests_fuzz_fuzz_xml_SOURCES = tests/fuzz/fuzz_xml.c $(FUZZ_MAIN)
tests_fuzz_fuzz_xml_LDADD = libproviders.a $(MODEL_LIBS)
tests_fuzz_fuzz_xml_LDFLAGS = $(FUZZ_LINK)

# Each target for FUZZ_SECONDS; new inputs stay in the build tree, a crash stops it.
FUZZ_SECONDS = 30
fuzz: $(FUZZERS)
if FUZZ
	@for f in $(FUZZERS); do \
		name=$${f##*/fuzz_}; $(MKDIR_P) tests/fuzz/found/$$name; echo "--- $$name"; \
		./$$f -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -print_final_stats=1 -artifact_prefix=tests/fuzz/found/crash-$$name- \
			tests/fuzz/found/$$name $(abs_top_srcdir)/tests/fuzz/corpus/$$name 2>&1 | tail -n 12 || exit 1; \
	done
else
	@echo "this build has no fuzzers: ../configure --enable-fuzz --enable-asan CC=clang"; exit 1
endif
.PHONY: fuzz
