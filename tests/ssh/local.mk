# Clusters over SSH, end to end, on a farm of real servers (farm.py).
dist_check_SCRIPTS += tests/ssh/farm.py tests/ssh/test_farm.py
TESTS += tests/ssh/test_farm.py
