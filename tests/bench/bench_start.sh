#!/bin/sh
# Whole commands, from exec to exit: the median of many runs. Where SkyPilot is installed, the same of it, beside.
set -u
: "${SKYTOP:?}" "${top_srcdir:?}" "${top_builddir:?}"
spawn=$top_builddir/tests/bench/spawn
home=$(mktemp -d) || exit 1
export SKYTOP_HOME="$home"
trap '"$SKYTOP" down -y bench >/dev/null 2>&1; "$SKYTOP" engine stop >/dev/null 2>&1; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
failed=0

row() { # NAME BAR [--until TEXT] RUNS COMMAND...
  name=$1 bar=$2
  shift 2
  if took=$("$spawn" "$@"); then
    printf '%s\t%s\tms\t%s\n' "$name" "${took%%	*}" "$bar"
  else
    failed=1
  fi
}

row "skytop --version" 5 200 "$SKYTOP" --version
row "skytop help" 5 200 "$SKYTOP" help
row "skytop recipes" 5 200 "$SKYTOP" recipes
"$SKYTOP" status >/dev/null # starts the engine
row "skytop status, engine up, no cluster" 5 300 "$SKYTOP" status
row "skytop launch --dryrun" 50 50 "$SKYTOP" launch --dryrun -y "$top_srcdir/share/recipes/hello.yaml"
if "$SKYTOP" launch -q -y -c bench "$top_srcdir/share/recipes/hello.yaml" >/dev/null; then
  row "skytop status, engine up, one cluster" 5 300 "$SKYTOP" status
  row "skytop queue" 50 100 "$SKYTOP" queue bench
  row "skytop exec, to the first line of the log" 300 --until "first light" 20 "$SKYTOP" exec bench "echo first light"
  row "skytop exec, to its end" - 20 "$SKYTOP" exec bench true
else
  failed=1
fi
if command -v sky >/dev/null 2>&1; then
  row "sky --version (SkyPilot)" - 3 sky --version
fi
exit $failed
