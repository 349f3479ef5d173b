noinst_LIBRARIES += libplan.a
libplan_a_SOURCES = \
	core/plan/filter.h \
	core/plan/order.h
PLAN_LIBS = libplan.a $(STORE_LIBS)
