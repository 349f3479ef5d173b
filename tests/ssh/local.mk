# Clusters over SSH, end to end, on a farm of real servers (farm.py). What takes minutes is `make check-ssh`: CASES="partition loss" for some.
SSH_TESTS = tests/ssh/test_farm.py
dist_check_SCRIPTS += tests/ssh/farm.py tests/ssh/bed.py tests/ssh/allreduce.py tests/ssh/torture.py tests/ssh/test_farm.py tests/ssh/test_pool.py \
	tests/ssh/test_crash_pool.py tests/ssh/test_logs.py tests/ssh/test_ssh_login.py
TESTS += $(SSH_TESTS)

check-ssh: all
	@$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(top_srcdir)/tests/ssh/torture.py $(CASES)
	@$(AM_TESTS_ENVIRONMENT) SKYTOP_TORTURE=1 $(PYTHON3) $(top_srcdir)/tests/ssh/test_crash_pool.py
.PHONY: check-ssh
