noinst_LIBRARIES += libplan.a
libplan_a_SOURCES = \
	core/plan/bid.c core/plan/bid.h \
	core/plan/block.c core/plan/block.h \
	core/plan/candidate.c core/plan/candidate.h \
	core/plan/explain.c core/plan/explain.h \
	core/plan/features.c core/plan/features.h \
	core/plan/figures.c core/plan/figures.h \
	core/plan/filter.c core/plan/filter.h core/plan/filter_parse.c core/plan/filter_term.h \
	core/plan/machine.c core/plan/machine.h \
	core/plan/market.c core/plan/market.h \
	core/plan/match.c core/plan/match.h \
	core/plan/optimize.c core/plan/optimize.h \
	core/plan/order.c core/plan/order.h \
	core/plan/plan_json.c \
	core/plan/rings.c core/plan/rings.h core/plan/rings_file.c core/plan/rings_file.h \
	core/plan/spend.c core/plan/spend.h \
	core/plan/disks.c core/plan/disks.h \
	core/plan/transfer.c core/plan/transfer.h \
	core/plan/trend.c core/plan/trend.h
PLAN_LIBS = libplan.a $(STORE_LIBS)
