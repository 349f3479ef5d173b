#!/bin/sh
# The frame of the command line: usage errors and nearest words, help, JSON errors, options, a full disk, no terminal.
. "${top_srcdir:-.}/tests/cli/tap.sh"

# usage_error NAME ARGUMENTS... -- what stderr says: refused with 2, nothing on stdout.
refused() { # NAME PART ARGUMENTS...
  case=$1 part=$2
  shift 2
  sky "$@"
  ok "$case" test "$status" = 2 -a -z "$out"
  ok "$case: says so" contains "$err" "$part"
}

sky --version
ok "--version" test "$status" = 0 -a "$out" = "$(printf 'skytop %s' "${out#skytop }")" -a -n "${out#skytop }"
version=${out#skytop }
sky -V
ok "-V" test "$out" = "skytop $version"
sky version --json
ok "version --json" contains "$out" "\"version\": \"$version\""

refused "a verb that is not there" "there is no 'zzzz'; skytop help lists" zzzz
refused "a slip in a verb" "did you mean 'recipes'?" recpies
refused "what this version cannot do: no guess" "cannot be run by this version yet; until then skytop launch" jobs queue
refused "a slip in an option" "unknown option --jsn; did you mean --json?" version --jsn
refused "one dash for two" "did you mean --json?" version -json
refused "an unknown letter" "unknown option -z" version -z
refused "an unknown letter among others" "unknown option -z in -qz" version -qz
refused "an argument too many" "takes no argument, but 'x' was given" version x
refused "a missing argument" "the argument is missing" completions
refused "a missing value" "--trace needs a value: --trace FILE" version --trace
refused "a value for a flag" "--json takes no value" version --json=yes
refused "a word that is no choice" "--output takes one of table|json, not 'xml'" version --output=xml
refused "an option without a verb" "unknown option --verbos" --verbos
refused "two dashes without a verb" "a verb is missing" --
refused "no terminal" "the screen needs a terminal"
refused "help on nothing known" "there is no 'lunch'" help lunch
refused "bytes that are no text" "there is no" "$(printf '\377\033[31m')"
ok "and they do not reach the terminal" lacks "$err" "$(printf '\033')"
long=$(printf '%5000s' x | tr ' ' y)
refused "a word of 5,000 letters" "there is no 'yyyy" "$long"

# Errors in JSON: on stdout, with the status of the process, and still on stderr for people.
sky recpies --json
ok "an error in JSON" test "$status" = 2
ok "its code" contains "$out" '"code": "usage"'
ok "its message" contains "$out" "did you mean 'recipes'?"
ok "its exit status" contains "$out" '"exit_status": 2'
ok "and for people" contains "$err" "did you mean 'recipes'?"
sky recipes no-such -o json
ok "-o json is --json" contains "$out" '"code": "not_found"'
ok "not_found ends with 1" test "$status" = 1

# Options stand anywhere, and before the verb.
sky --json version
ok "an option before the verb" contains "$out" '"version"'
sky recipes hello --path
path=$out
sky recipes --path hello
ok "options and arguments in any order" test -n "$path" -a "$out" = "$path"
sky recipes --path -- hello
ok "-- ends the options" test "$out" = "$path"
sky recipes -- --path
ok "after -- all is argument" test "$status" = 1
sky -q version
ok "a letter before the verb" test "$status" = 0

# Help: from the table, in three ways; every verb has it and takes --json and --trace.
sky help
all=$out
ok "help lists exit statuses" contains "$all" "103  the job was cancelled"
sky --help
ok "--help is help" test "$out" = "$all"
sky help recipes
page=$out
sky recipes --help
ok "VERB --help is help VERB" test "$out" = "$page"
sky recipes --help --copy
ok "a missing value is told even so" test "$status" = 2
sky completions --help
ok "--help needs no arguments" test "$status" = 0
sky help --json
ok "help --json" contains "$out" '"exit_statuses"'
verbs=$(printf '%s\n' "$out" | sed -n '/"verbs"/,/^  ],/s/^      "name": "\(.*\)",$/\1/p')
ok "there are verbs" test -n "$verbs"
bad=
for_each() {
  printf '%s\n' "$verbs" | while read -r verb; do
    # shellcheck disable=SC2086 # a verb may be two words
    "$SKYTOP" help $verb >"$tmp/page" 2>&1 || echo "$verb: no help"
    grep -q "^usage: skytop $verb \[OPTIONS\]" "$tmp/page" || echo "$verb: no usage line"
    grep -q -- '--trace FILE' "$tmp/page" || echo "$verb: no --trace"
    awk 'length($0) > 100 { exit 1 }' "$tmp/page" || echo "$verb: a line of more than 100"
    # shellcheck disable=SC2086
    "$SKYTOP" $verb --no-such-option-at-all >"$tmp/page" 2>&1 </dev/null
    [ $? = 2 ] || echo "$verb: an unknown option is not refused"
  done
}
bad=$(for_each)
ok "every verb has its page, and refuses what it does not know" test -z "$bad"
[ -z "$bad" ] || printf '%s\n' "$bad" | sed 's/^/# /'
ok "nothing was written at home" test -z "$(ls -A "$HOME")"
ok "nor in the folder of skytop" test ! -e "$SKYTOP_HOME"

# A trace is a file of one's own, or nothing is done.
sky version --trace "$tmp/no/such/folder/trace"
ok "a trace that cannot be written" test "$status" != 0 -a -z "$out"
ok "a trace that cannot be written: where" contains "$err" "$tmp/no/such/folder/trace"
sky version --trace "$tmp/trace"
ok "a trace that can" test "$status" = 0 -a -f "$tmp/trace"

# What cannot be written was not done.
if [ -w /dev/full ]; then
  "$SKYTOP" help >/dev/full 2>"$tmp/err"
  status=$? err=$(cat "$tmp/err")
  ok "a full disk" test "$status" = 1
  ok "a full disk is named" contains "$err" "standard output"
else
  skip "a full disk" "no /dev/full here"
fi

done_testing
