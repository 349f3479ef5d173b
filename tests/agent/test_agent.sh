#!/bin/sh
# Runs suite.sh under each of dash, bash and busybox ash that is there (ash with busybox's own tools in PATH), side by side, and counts
# all their cases as one list. At the end no process of any of them may be left. The first shell runs all of it, the others what goes through most
# of the agent's lines: they are here for what they read otherwise, not for what the agent does. SKYTOP_TORTURE=1: all do all.
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
here=$top_srcdir/tests/agent
work=$(mktemp -d "${TMPDIR:-/tmp}/skytop-agent.XXXXXX") || exit 99
SKYTOP_TEST_MARK=skytop-agent-test-$$
export SKYTOP_TEST_MARK top_srcdir
unset SKYTOP_AGENT_DIR SKYTOP_AGENT_JOB SKYTOP_BOOT_ID

# (grep itself must not have the mark. It fails when a process goes while it looks, whatever it has found.)
left_over() { env -u SKYTOP_TEST_MARK grep -lzF "SKYTOP_TEST_MARK=$SKYTOP_TEST_MARK" /proc/[0-9]*/environ 2>/dev/null; }
end() {
  for f in $(left_over); do
    f=${f#/proc/}
    kill -KILL "${f%/environ}" 2>/dev/null
  done
  rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM HUP

suites=
start() { # NAME SHELL PATH CASES: under that name, in a folder of that name and of the first case
  cases=${SUITE_CASES:-$4}
  s_dir=$1-${cases%% *}
  suites="$suites $s_dir"
  mkdir "$work/$s_dir"
  (PATH=${3:-$PATH} && cd "$work/$s_dir" && exec "$2" "$here/suite.sh" "$1" "$work/$s_dir" "$2" "$cases") \
    >"$work/$s_dir.out" 2>"$work/$s_dir.err" </dev/null &
}
# NAME SHELL PATH CASES: all cases, in two halves side by side, if it is the first shell or all are to do all; else those.
start_shell() {
  if [ -n "${SUITE_CASES:-}" ] || { [ -n "$suites" ] && [ -z "${SKYTOP_TORTURE:-}" ]; }; then
    start "$@"
  else
    start "$1" "$2" "$3" 'lost crashes gang placed watch secrets json'
    start "$1" "$2" "$3" 'init run setup submit logs fifo many cancel deaths autostop json'
  fi
}
for shell in dash bash; do
  if command -v $shell >/dev/null 2>&1; then start_shell $shell $shell "" 'init run gang json'; fi
done
if busybox sh -c : 2>/dev/null; then
  mkdir "$work/applets"
  for applet in $(busybox --list); do ln -s "$(command -v busybox)" "$work/applets/$applet"; done
  for tool in bash python3; do
    if command -v $tool >/dev/null 2>&1; then ln -sf "$(command -v $tool)" "$work/applets/$tool"; fi
  done
  start_shell ash "$work/applets/sh" "$work/applets" 'init run logs watch gang autostop json'
fi
[ -n "$suites" ] || start_shell sh sh "" all
wait

for name in $suites; do
  sed "s/^\(not ok\|ok\) /\1 ${name%%-*}: /" "$work/$name.out"
  grep -q '^# complete' "$work/$name.out" || echo "not ok $name: the suite ran to its end"
  sed "s/^/# $name: /" "$work/$name.err" | head -n 50
done | awk '/^(not )?ok / { n++; sub(/ok /, "ok " n " - ") } { print } END { print n }' >"$work/all"
n=$(tail -n 1 "$work/all")
sed '$d' "$work/all"
n=$((n + 1))
tries=0
# The sleep of a daemon that a case killed goes on for up to ten seconds.
while left=$(left_over); [ -n "$left" ] && [ $tries -lt 300 ]; do
  [ $tries = 290 ] && for f in $left; do echo "# still there: ${f%/environ} $(tr '\0' ' ' 2>/dev/null <"${f%environ}cmdline")"; done
  sleep 0.1
  tries=$((tries + 1))
done
if [ -n "$left" ]; then echo "not ok $n - no process is left"; else echo "ok $n - no process is left"; fi
echo "1..$n"
