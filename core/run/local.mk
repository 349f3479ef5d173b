noinst_LIBRARIES += librun.a
librun_a_SOURCES =
RUN_LIBS = librun.a $(PLAN_LIBS)
