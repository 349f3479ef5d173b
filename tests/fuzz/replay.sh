#!/bin/sh
# Every fuzz target over its corpus, and over damaged copies of it (replay.c). A target without a corpus is a failure.
set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
top_builddir=$(cd "${top_builddir:-.}" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0
for target in "$top_builddir"/tests/fuzz/fuzz_*; do
  case $target in *.o | *.c | *.dSYM) continue ;; esac
  [ -x "$target" ] || continue
  n=$((n + 1))
  name=${target##*/fuzz_}
  corpus=$top_srcdir/tests/fuzz/corpus/$name
  if [ ! -d "$corpus" ]; then
    echo "not ok $n - $name has a corpus"
  elif (cd "$tmp" && "$target" -runs=0 "$corpus" >"$tmp/out" 2>&1); then
    echo "ok $n - $name: $(tail -n 1 "$tmp/out" | cut -c 1-60)"
  else
    echo "not ok $n - $name"
    tail -n 40 "$tmp/out" | sed 's/^/# /'
  fi
done
if [ "$n" = 0 ]; then
  echo "1..0 # SKIP no fuzz target was built"
else
  echo "1..$n"
fi
