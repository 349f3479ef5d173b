# The rules of the house, checked over the whole tree.
TESTS += tests/lint/lint.py tests/lint/docs.sh
EXTRA_DIST += tests/lint/lint.py tests/lint/docs.sh tests/lint/fresh_machine.sh
