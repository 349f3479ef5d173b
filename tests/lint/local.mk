# The rules of the house, checked over the whole tree.
TESTS += tests/lint/bootstrap.sh tests/lint/docs.sh tests/lint/lint.py
EXTRA_DIST += tests/lint/bootstrap.sh tests/lint/lint.py tests/lint/docs.sh tests/lint/fresh_machine.sh
