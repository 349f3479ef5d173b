noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	core/base/clock.c core/base/clock.h \
	core/base/err.c core/base/err.h \
	core/base/fs.c core/base/fs.h \
	core/base/json.c core/base/json.h \
	core/base/lazy.c core/base/lazy.h \
	core/base/log.c core/base/log.h \
	core/base/mem.c core/base/mem.h \
	core/base/num.c core/base/num.h \
	core/base/redact.c core/base/redact.h \
	core/base/str.c core/base/str.h \
	core/base/trace.c core/base/trace.h \
	core/base/ustar.c core/base/ustar.h \
	core/base/width.c core/base/width.h
BASE_LIBS = libbase.a $(JANSSON_LIBS) -lm
