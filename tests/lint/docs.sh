#!/bin/sh
# What is written about the program agrees with the program: README tables, man page, CHANGELOG, recipes; and every script
# of the tree is clean by shellcheck.
. "${top_srcdir:-.}/tests/cli/tap.sh"

# README: the tables are the program's own.
sky help --markdown
cp "$tmp/out" "$tmp/tables"
awk -f "$top_srcdir/share/readme.awk" "$tmp/tables" "$top_srcdir/README.md" >"$tmp/README.md"
err=$(diff "$top_srcdir/README.md" "$tmp/README.md")
ok "README has the tables of the program (make readme)" test -z "$err"
marks=$(grep -c '^<!-- \(verbs\|exit statuses\|files\|environment\) -->$' "$top_srcdir/README.md")
ok "README has all of its marks" test "$marks" = 4

# Every option of the verb table that help tells is told by the man page, and every verb.
sky help --man
cp "$tmp/out" "$tmp/skytop.1"
"$SKYTOP" help --json >"$tmp/help.json"
missing=$(sed -n '/"exit_statuses"/q; s/^ *"name": "\(.*\)",$/\1/p' "$tmp/help.json" | sort -u | awk '
  NR == FNR { page = page "\n" $0; next }
  { gsub(/-/, "\\-"); if (!index(page, $0)) print }' "$tmp/skytop.1" -)
ok "man page has every verb and option" test -z "$missing"
[ -z "$missing" ] || printf '%s\n' "$missing" | sed 's/^/# /'

# A verb that README shows in code exists.
words=$(grep -o '`skytop [a-z-]*' "$top_srcdir/README.md" | sed 's/.*skytop //' | sort -u | while read -r verb; do
  [ -z "$verb" ] || "$SKYTOP" help "$verb" >/dev/null 2>&1 || grep -q "\"name\": \"$verb " "$tmp/help.json" || echo "$verb"
done)
ok "README speaks of no verb that is not there" test -z "$words"
[ -z "$words" ] || printf '%s\n' "$words" | sed 's/^/# /'

# The version is in CHANGELOG.
version=$("$SKYTOP" --version | cut -d ' ' -f 2)
ok "CHANGELOG knows this version" grep -q "^## \[\?\(Unreleased\|$version\)" "$top_srcdir/CHANGELOG.md"

# Recipes are valid task files. HF_TOKEN is asked for by the ones that need it.
if "$SKYTOP" help task >/dev/null 2>&1; then
  for recipe in "$top_srcdir"/share/recipes/*.yaml; do
    secret=
    grep -q 'HF_TOKEN: null' "$recipe" && secret='--secret HF_TOKEN=x'
    # shellcheck disable=SC2086 # nothing or two words
    sky task "$recipe" --json $secret
    ok "recipe ${recipe##*/} is a task" test "$status" = 0
  done
else
  skip "recipes are tasks" "this build has no verb task"
fi

if command -v shellcheck >/dev/null 2>&1; then
  cd "$top_srcdir" || exit 1
  # One process for all: it is its start that takes time.
  # shellcheck disable=SC2046 # our file names have no blanks
  err=$(shellcheck -x bootstrap .ci/run $(find tests share -name '*.sh' | sort) 2>&1)
  ok "every script is clean by shellcheck" test -z "$err"
else
  skip "shellcheck" "no shellcheck here"
fi

done_testing
