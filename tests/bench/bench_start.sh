#!/bin/sh
# Whole commands, from exec to exit: the median of many runs. Where SkyPilot is installed, the same of it, as a ratio.
set -u
: "${SKYTOP:?}" "${top_srcdir:?}" "${top_builddir:?}"
spawn=$top_builddir/tests/bench/spawn
home=$(mktemp -d) || exit 1
trap '"$SKYTOP" engine stop >/dev/null 2>&1; rm -rf "$home"' EXIT
export SKYTOP_HOME="$home"

row() { # NAME BAR RUNS COMMAND...
  name=$1 bar=$2 runs=$3
  shift 3
  took=$("$spawn" "$runs" "$@") || return 1
  printf '%s\t%s\tms\t%s\n' "$name" "${took%%	*}" "$bar"
}

row "skytop --version" 5 200 "$SKYTOP" --version
row "skytop help" 5 200 "$SKYTOP" help
row "skytop recipes" 5 200 "$SKYTOP" recipes
if "$SKYTOP" help status >/dev/null 2>&1; then
  "$SKYTOP" status >/dev/null 2>&1 # starts the engine
  row "skytop status, engine up" 5 300 "$SKYTOP" status
  row "skytop status --json, engine up" 5 300 "$SKYTOP" status --json
fi
if "$SKYTOP" help launch >/dev/null 2>&1; then
  row "skytop launch --dryrun, one task" 50 30 "$SKYTOP" launch --dryrun -y "$top_srcdir/share/recipes/vllm.yaml"
fi
if command -v sky >/dev/null 2>&1; then
  row "sky --version (SkyPilot)" - 3 sky --version
fi
exit 0
