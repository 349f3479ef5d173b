noinst_LIBRARIES += libproviders.a
libproviders_a_SOURCES = \
	providers/registry.c \
	providers/aws/auth.c \
	providers/aws/aws.h \
	providers/aws/bulk.c \
	providers/aws/check.c \
	providers/aws/create.c \
	providers/aws/errors.c \
	providers/aws/image.c \
	providers/aws/ini.c \
	providers/aws/instance.c \
	providers/aws/network.c \
	providers/aws/nodes.c \
	providers/aws/objects.c \
	providers/aws/others.c \
	providers/aws/offers.c \
	providers/aws/regions.c \
	providers/aws/talk.c \
	providers/azure/auth.c \
	providers/azure/azure.c providers/azure/azure_priv.h \
	providers/azure/check.c \
	providers/azure/create.c \
	providers/azure/errors.c \
	providers/azure/identity.c \
	providers/azure/nodes.c \
	providers/azure/objects.c \
	providers/azure/offers.c \
	providers/azure/quota.c \
	providers/azure/sas.c providers/azure/sas.h \
	providers/azure/size.c \
	providers/azure/terminate.c \
	providers/common/change.c providers/common/change.h \
	providers/common/child.c providers/common/child.h \
	providers/common/cloudside.c providers/common/cloudside.h \
	providers/common/crypto.c providers/common/crypto.h \
	providers/common/deadman.c providers/common/deadman.h \
	providers/common/jwt.c providers/common/jwt.h \
	providers/common/machines.c providers/common/machines.h \
	providers/common/names.c providers/common/names.h \
	providers/common/nodes.c providers/common/nodes.h \
	providers/common/objects.c providers/common/objects.h \
	providers/common/refusal.c providers/common/refusal.h \
	providers/common/report.c providers/common/report.h \
	providers/common/requests.c providers/common/requests.h \
	providers/common/sandbox.c providers/common/sandbox.h providers/common/sandbox_priv.h \
	providers/common/settle.c \
	providers/common/sigv4.c providers/common/sigv4.h \
	providers/common/sweep.c providers/common/sweep.h \
	providers/common/talk.c providers/common/talk.h \
	providers/common/xml.c providers/common/xml.h \
	providers/gcp/auth.c \
	providers/gcp/catalog.c \
	providers/gcp/check.c \
	providers/gcp/create.c \
	providers/gcp/errors.c \
	providers/gcp/federation.c \
	providers/gcp/gcp.c providers/gcp/gcp_priv.h \
	providers/gcp/machine.c \
	providers/gcp/names.c \
	providers/gcp/network.c \
	providers/gcp/nodes.c \
	providers/gcp/objects.c \
	providers/gcp/quota.c \
	providers/gcp/sku.c providers/gcp/sku.h \
	providers/gcp/turn.c \
	providers/local/local.c \
	providers/local/nvidia.c providers/local/nvidia.h \
	providers/sim/faults.c providers/sim/faults.h \
	providers/sim/scenario.c providers/sim/scenario.h \
	providers/sim/sim.c \
	providers/ssh/create.c \
	providers/ssh/host.c providers/ssh/host.h \
	providers/ssh/place.c providers/ssh/place.h \
	providers/ssh/pools.c providers/ssh/pools.h \
	providers/ssh/report.c providers/ssh/report.h \
	providers/ssh/shape.c providers/ssh/shape.h \
	providers/ssh/ssh.c providers/ssh/ssh_priv.h \
	providers/ssh/turn.c
nodist_libproviders_a_SOURCES = providers/ssh/script.c

# The script that is sent to the hosts of pools, less its comments, as a string.
providers/ssh/script.c: share/agent/skytop-host
	$(AM_V_GEN)$(MKDIR_P) $(@D) && { echo 'extern const char ssh_host_script[];' && echo 'const char ssh_host_script[] = {' && \
		$(SED) -e '/^ *#[^!]/d' -e '/^ *#$$/d' $(top_srcdir)/share/agent/skytop-host | od -An -v -tu1 | \
		$(SED) 's/  *\([0-9][0-9]*\)/\1,/g' && echo '0};'; } >$@.new && mv $@.new $@
CLEANFILES += providers/ssh/script.c

simdir = $(pkgdatadir)/sim
dist_sim_DATA = share/sim/README.md share/sim/default.yaml share/sim/demo.yaml
