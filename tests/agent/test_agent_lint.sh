#!/bin/sh
# What runs on nodes is clean in the eyes of shellcheck, and of the parser of every shell that it is to run under. (The scripts of the tests are for
# tests/lint/docs.sh to look at.)
scripts=${top_srcdir:-.}/share/agent
n=0
result() { # STATUS NAME
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
for shell in dash bash "busybox sh" sh; do
  # shellcheck disable=SC2086 # a command of one or two words
  if $shell -c : 2>/dev/null; then
    for script in "$scripts"/skytop-*; do
      $shell -n "$script"
      result $? "$shell parses ${script##*/}"
    done
  fi
done
if command -v shellcheck >/dev/null 2>&1; then
  shellcheck -s sh "$scripts"/skytop-*
  result $? shellcheck
else
  n=$((n + 1))
  echo "ok $n - shellcheck # SKIP there is no shellcheck here"
fi
echo "1..$n"
