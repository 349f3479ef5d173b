dist_check_SCRIPTS += tests/run/test_crash.py tests/run/test_faults.py tests/run/test_session.py tests/run/engine_test.py
TESTS += tests/run/test_crash.py tests/run/test_faults.py tests/run/test_session.py
