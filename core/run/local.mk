noinst_LIBRARIES += librun.a
librun_a_SOURCES = \
	core/provider.h \
	core/run/access.c core/run/access.h \
	core/run/bundle.c core/run/bundle.h \
	core/run/call.c core/run/call.h \
	core/run/call_http.c core/run/call_http.h \
	core/run/checkout.c core/run/checkout.h \
	core/run/contact.c \
	core/run/create.c \
	core/run/engine.c core/run/engine.h \
	core/run/failover.c \
	core/run/fetch.c core/run/fetch.h \
	core/run/fetch_nodes.c core/run/fetch_priv.h \
	core/run/hooks.c core/run/hooks.h \
	core/run/hosts.c core/run/hosts.h \
	core/run/jobs.c \
	core/run/lane.c core/run/lane.h \
	core/run/launch.c core/run/launch.h \
	core/run/launch_steps.c \
	core/run/left.c core/run/left.h \
	core/run/lifecycle.c \
	core/run/link.c core/run/link.h core/run/link_priv.h \
	core/run/link_command.c \
	core/run/link_conn.c \
	core/run/listing.c core/run/listing.h \
	core/run/logs.c \
	core/run/logs_prune.c core/run/logs_prune.h \
	core/run/metrics.c core/run/metrics.h core/run/metrics_priv.h \
	core/run/metrics_answer.c \
	core/run/money.c core/run/money.h \
	core/run/mounts.c core/run/mounts.h \
	core/run/nodes.c \
	core/run/objects.c core/run/objects.h \
	core/run/op.c core/run/op.h \
	core/run/packer.c core/run/packer.h \
	core/run/place.c core/run/place.h \
	core/run/prices.c \
	core/run/quota.c core/run/quota.h \
	core/run/reach.c core/run/reach.h \
	core/run/reconcile.c \
	core/run/remote.c core/run/remote.h \
	core/run/run.h \
	core/run/settings.c core/run/settings.h \
	core/run/spool.c core/run/spool.h \
	core/run/spool_times.c core/run/spool_times.h \
	core/run/sweep.c core/run/sweep.h \
	core/run/sweep_op.c \
	core/run/sync.c core/run/sync.h \
	core/run/user.c core/run/user.h \
	core/run/walk.c core/run/walk.h \
	core/run/watch.c \
	core/run/web_source.c core/run/web_source.h
RUN_LIBS = librun.a $(PLAN_LIBS)
