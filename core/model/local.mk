noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	core/model/accelerator.c core/model/accelerator.h \
	core/model/cluster.c core/model/cluster.h \
	core/model/credentials.c core/model/credentials.h \
	core/model/egress.h \
	core/model/offer.h \
	core/model/task.h
MODEL_LIBS = libmodel.a $(IO_LIBS) $(YAML_LIBS)
