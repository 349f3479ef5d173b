noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	core/model/accelerator.c core/model/accelerator.h \
	core/model/cluster.c core/model/cluster.h \
	core/model/credentials.c core/model/credentials.h \
	core/model/egress.h \
	core/model/accelerators.c \
	core/model/amount.c core/model/amount.h \
	core/model/cloud.c core/model/cloud.h \
	core/model/config.c core/model/config.h core/model/config_priv.h \
	core/model/config_set.c \
	core/model/dag.c \
	core/model/ignore.c core/model/ignore.h \
	core/model/instance.c core/model/instance.h \
	core/model/offer.h \
	core/model/override.c \
	core/model/ports.c \
	core/model/resources.c \
	core/model/schema.c core/model/schema.h \
	core/model/service.c \
	core/model/storage.c \
	core/model/task.c core/model/task.h core/model/task_priv.h \
	core/model/task_check.c \
	core/model/task_json.c \
	core/model/task_pack.c \
	core/model/task_schema.c \
	core/model/tree.c core/model/tree.h \
	core/model/where.h \
	core/model/yaml.c core/model/yaml.h \
	core/model/yaml_node.c \
	core/model/yaml_scalar.c
MODEL_LIBS = libmodel.a $(IO_LIBS) $(YAML_LIBS)
