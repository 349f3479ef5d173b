noinst_LIBRARIES += libproviders.a
libproviders_a_SOURCES = \
	providers/registry.c \
	providers/common/child.c providers/common/child.h \
	providers/common/cloudside.c providers/common/cloudside.h \
	providers/common/deadman.c providers/common/deadman.h \
	providers/common/machines.c providers/common/machines.h \
	providers/common/requests.c providers/common/requests.h \
	providers/common/sandbox.c providers/common/sandbox.h providers/common/sandbox_priv.h \
	providers/common/settle.c \
	providers/common/sweep.c providers/common/sweep.h \
	providers/local/local.c \
	providers/local/nvidia.c providers/local/nvidia.h \
	providers/sim/faults.c providers/sim/faults.h \
	providers/sim/scenario.c providers/sim/scenario.h \
	providers/sim/sim.c

simdir = $(pkgdatadir)/sim
dist_sim_DATA = share/sim/README.md share/sim/default.yaml
