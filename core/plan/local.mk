noinst_LIBRARIES += libplan.a
libplan_a_SOURCES =
PLAN_LIBS = libplan.a $(STORE_LIBS)
