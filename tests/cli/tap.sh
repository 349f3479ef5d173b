# Sourced by the transcripts of the command line: a temporary home that goes away, and TAP. $SKYTOP is the program.
# shellcheck shell=sh
: "${SKYTOP:?the program to be tested}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/skytop-cli.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
export HOME="$tmp/home" SKYTOP_HOME="$tmp/skytop" LC_ALL=C.UTF-8 TERM=xterm
mkdir -p "$HOME"
unset NO_COLOR COLUMNS XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR SKYTOP_SHARE
n_cases=0

# Run skytop: $out, $err and $status are what came.
sky() {
  "$SKYTOP" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
  status=$?
  out=$(cat "$tmp/out")
  err=$(cat "$tmp/err")
}

# One case: ok NAME COMMAND...; what skytop said is shown when it fails.
ok() {
  n_cases=$((n_cases + 1))
  case_name=$1
  shift
  if "$@"; then
    echo "ok $n_cases - $case_name"
  else
    echo "not ok $n_cases - $case_name"
    printf '%s\n' "not so: $*" "status: ${status-}" "stdout: ${out-}" "stderr: ${err-}" | sed 's/^/# /'
  fi
}

skip() { # NAME WHY
  n_cases=$((n_cases + 1))
  echo "ok $n_cases - $1 # SKIP $2"
}

contains() { # TEXT PART
  case $1 in
  *"$2"*) ;;
  *) return 1 ;;
  esac
}

lacks() { # TEXT PART
  ! contains "$1" "$2"
}

done_testing() {
  echo "1..$n_cases"
}
