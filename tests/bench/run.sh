#!/bin/sh
# Runs the benches (all, or those named) and prints one table. The figures stay in bench.tsv in the build folder. Ends with 1
# when a bench could not be run; a figure over its bar is shown, and counted in the last line.
set -u
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
results=$top_builddir/bench.tsv
: >"$results"
failed=0

run() { # NAME COMMAND...
  name=$1
  shift
  if ! "$@" >"$results.one" 2>"$results.err"; then
    echo "bench $name could not be run:" >&2
    tail -n 20 "$results.err" >&2
    failed=1
  fi
  cat "$results.one" >>"$results"
  rm -f "$results.one" "$results.err"
}

wanted() { # NAME of those on the command line
  [ -z "$names" ] && return 0
  case " $names " in *" $1 "*) return 0 ;; esac
  return 1
}

names="$*"
for bench in "$top_builddir"/tests/bench/bench_* "$top_srcdir"/tests/bench/bench_*.sh "$top_srcdir"/tests/bench/bench_*.py; do
  name=${bench##*/bench_}
  name=${name%.*}
  if [ ! -f "$bench" ] || ! wanted "$name"; then continue; fi
  case $bench in
  *.c | *.o | *.tsv) ;;
  *.sh) run "$name" sh "$bench" ;;
  *.py) command -v python3 >/dev/null 2>&1 && run "$name" python3 "$bench" ;;
  *) [ ! -x "$bench" ] || run "$name" "$bench" ;;
  esac
done

awk -F '\t' '
  function width(s, t) { t = s; gsub(/[\200-\277]/, "", t); return length(t) }
  function pad(s, n) { while (width(s) < n) s = s " "; return s }
  function lpad(s, n) { while (width(s) < n) s = " " s; return s }
  BEGIN {
    name[0] = "WHAT"; value[0] = "FIGURE"; bar[0] = "BAR"; verdict[0] = ""
    w = 4; v = 6; b = 3
  }
  NF >= 3 {
    n++
    limit = NF > 3 && $4 != "" ? $4 : "-"
    name[n] = $1; value[n] = $2 " " $3
    least = sub(/^>=/, "", limit)
    bar[n] = limit == "-" ? "" : (least ? "at least " : "at most ") limit
    if (limit == "-") verdict[n] = ""
    else if (least ? $2 + 0 >= limit + 0 : $2 + 0 <= limit + 0) { verdict[n] = "ok"; good++ }
    else { verdict[n] = least ? "UNDER" : "OVER"; bad++ }
    if (width($1) > w) w = width($1)
    if (width(value[n]) > v) v = width(value[n])
    if (width(bar[n]) > b) b = width(bar[n])
  }
  END {
    for (i = 0; i <= n; i++) {
      line = pad(name[i], w) "  " lpad(value[i], v) "  " pad(bar[i], b) "  " verdict[i]
      sub(/ +$/, "", line)
      print line
    }
    printf "\n%d figures, %d within their bars, %d not\n", n, good, bad
  }' "$results"
exit $failed
