noinst_LIBRARIES += libplan.a
libplan_a_SOURCES = \
	core/plan/filter.c core/plan/filter.h core/plan/filter_parse.c core/plan/filter_term.h \
	core/plan/order.c core/plan/order.h
PLAN_LIBS = libplan.a $(STORE_LIBS)
