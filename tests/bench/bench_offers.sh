#!/bin/sh
# `skytop offers` as whole commands, from exec to exit, over 140,000 offers: the median of many runs.
set -u
: "${SKYTOP:?}" "${top_builddir:?}"
spawn=$top_builddir/tests/bench/spawn
home=$(mktemp -d) || exit 1
export SKYTOP_HOME="$home"
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
failed=0

row() { # NAME BAR RUNS COMMAND...
  name=$1 bar=$2
  shift 2
  if took=$("$spawn" "$@"); then
    printf '%s\t%s\tms\t%s\n' "$name" "${took%%	*}" "$bar"
  else
    failed=1
  fi
}

"$top_builddir/tests/bench/bench_catalog" --lists "$home/lists" || exit 1
"$SKYTOP" catalog import "$home/lists" >/dev/null 2>&1 || exit 1
row "skytop offers" 50 50 "$SKYTOP" offers
row "skytop offers H100" 50 50 "$SKYTOP" offers H100
row "skytop offers 'us-east price<5' --json, 50 rows" 50 50 "$SKYTOP" offers 'us-east price<5' --json --all -n 50
row "skytop offers --all --csv, 140,000 rows" - 3 "$SKYTOP" offers --all --csv
row "skytop catalog status" 50 50 "$SKYTOP" catalog status
exit $failed
