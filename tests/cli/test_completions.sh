#!/bin/sh
# Completions and man page: what the shells and man themselves think of them, and what bash then offers.
. "${top_srcdir:-.}/tests/cli/tap.sh"

sky completions
ok "which shell?" test "$status" = 2
sky completions bsh
ok "a slip" contains "$err" "did you mean 'bash'?"
sky help --json
verbs=$(printf '%s\n' "$out" | sed -n '/"verbs"/,/^  ],/s/^      "name": "\(.*\)",$/\1/p')

for shell in bash zsh fish; do
  sky completions $shell
  cp "$tmp/out" "$tmp/completions.$shell"
  ok "$shell: written" test "$status" = 0 -a -n "$out"
  missing=$(printf '%s\n' "$verbs" | while read -r verb; do grep -q -e "$verb" -e "-a '${verb##* }'" "$tmp/completions.$shell" || echo "$verb"; done)
  ok "$shell: every verb is in it" test -z "$missing"
  if command -v $shell >/dev/null 2>&1; then
    err=$($shell -n "$tmp/completions.$shell" 2>&1)
    ok "$shell: $shell can read it" test -z "$err"
  else
    skip "$shell: $shell can read it" "no $shell here"
  fi
done

# Ask bash what it would offer.
offers() { # WORDS... (the last one is being typed)
  out=$(bash -c '
    . "$1"; shift
    compopt() { :; }
    COMP_WORDS=(skytop "$@"); COMP_CWORD=$#
    _skytop
    printf "%s\n" "${COMPREPLY[@]}"' bash "$tmp/completions.bash" "$@" 2>"$tmp/err")
}
if command -v bash >/dev/null 2>&1; then
  PATH=$(dirname "$SKYTOP"):$PATH
  export PATH
  offers rec
  ok "bash: a verb" test "$out" = recipes
  offers recipes tr
  ok "bash: a recipe" test "$out" = train-cpu
  offers recipes --co
  ok "bash: an option" test "$out" = --copy
  offers recipes --tra
  ok "bash: an option of every verb" test "$out" = --trace
  offers completions ''
  ok "bash: words to choose from" test "$(echo $out)" = "bash fish zsh"
  offers check ver
  ok "bash: a cloud" test "$out" = verda
  offers help compl
  ok "bash: a verb after help" test "$out" = completions
  (cd "$tmp" && : >some.yaml)
  offers recipes hello --copy "$tmp/so"
  ok "bash: a file" test "$out" = "$tmp/some.yaml"
  (cd "$tmp" && : >"two words.yaml")
  offers recipes hello --copy "$tmp/tw"
  ok "bash: a file with a blank in its name" test "$out" = "$tmp/two words.yaml"
else
  skip "bash: what it offers" "no bash here"
fi

# And fish.
if command -v fish >/dev/null 2>&1; then
  offers() { # THE LINE
    out=$(fish --no-config -c "source $tmp/completions.fish; complete -C '$1'" 2>"$tmp/err" | cut -f 1)
  }
  offers "skytop rec"
  ok "fish: a verb" test "$out" = recipes
  offers "skytop recipes tr"
  ok "fish: a recipe" test "$out" = train-cpu
  offers "skytop recipes --co"
  ok "fish: an option" test "$out" = --copy
  offers "skytop completions "
  ok "fish: words to choose from" test "$(echo $out)" = "bash fish zsh"
  offers "skytop help compl"
  ok "fish: a verb after help" test "$out" = completions
else
  skip "fish: what it offers" "no fish here"
fi

sky help --man
cp "$tmp/out" "$tmp/skytop.1"
missing=$(printf '%s\n' "$verbs" | while read -r verb; do
  grep -q "^\.SS \"skytop $(printf %s "$verb" | sed 's/-/\\\\-/g')[ \"]" "$tmp/skytop.1" || echo "$verb"
done)
ok "man page: every verb is in it" test -z "$missing"
if command -v groff >/dev/null 2>&1; then
  err=$(groff -man -Tutf8 -ww -z "$tmp/skytop.1" 2>&1)
  ok "man page: groff has nothing to say" test -z "$err"
else
  skip "man page: groff has nothing to say" "no groff here"
fi
if command -v man >/dev/null 2>&1; then
  text=$(MANWIDTH=100 man -l "$tmp/skytop.1" 2>"$tmp/err" | col -b 2>/dev/null)
  err=$(cat "$tmp/err")
  ok "man page: man shows it" contains "$text" "EXIT STATUS"
  ok "man page: without warnings" test -z "$err"
else
  skip "man page: man shows it" "no man here"
fi

done_testing
