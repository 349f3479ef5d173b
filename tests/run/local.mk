dist_check_SCRIPTS += tests/run/test_crash.py
TESTS += tests/run/test_crash.py
