#!/bin/sh
# `skytop task` and `skytop config`: for people, for programs, and with files that are no files.
. "${top_srcdir:-.}/tests/cli/tap.sh"

cd "$tmp" || exit 1
cat >t.yaml <<'END'
name: train
resources:
  accelerators: {A100: 8, H100: 8}
  use_spot: true
envs: {A: "1"}
secrets: {S: hunter2}
file_mounts: {/data: s3://bucket}
setup: pip install x
run: |
  python train.py
  echo done
END

sky task t.yaml
ok "a task for people" test "$status" = 0
ok "its name" contains "$out" "task train: 1 task"
ok "alternatives" contains "$out" "8x A100 [spot]"
ok "variables" contains "$out" "A=1"
ok "secrets are not shown" lacks "$out$err" "hunter2"
ok "scripts by their first line" contains "$out" "python train.py  (+1 line"

sky task t.yaml --json --num-nodes 2 --env B=2
ok "as JSON" contains "$out" '"num_nodes": 2'
ok "with options over it" contains "$out" '"B": "2"'
ok "JSON has no secrets" lacks "$out" "hunter2"

printf 'B=from file\nexport C="quoted"\n# no\n\n' >vars
sky task t.yaml --json --env-file vars --env B=wins
ok "variables from a file" contains "$out" '"C": "quoted"'
ok "the command line wins" contains "$out" '"B": "wins"'

sky task - --json </dev/null
ok "nothing on stdin" contains "$err" "standard input: empty"
out=$(printf 'run: hi\n' | "$SKYTOP" task - --json)
ok "a task on stdin" contains "$out" '"run": "hi"'

sky task no-such-file.yaml --json
ok "a missing file is the caller's fault" test "$status" = 2
ok "and named" contains "$err" "cannot read no-such-file.yaml: No such file or directory"
ok "also as JSON" contains "$out" '"file": "no-such-file.yaml"'

sky task "$tmp"
ok "a folder" contains "$err" "it is a folder"
ok "a folder: 2" test "$status" = 2

mkfifo pipe
sky task pipe
ok "a pipe does not hang" contains "$err" "not a regular file"

: >empty.yaml
sky task empty.yaml
ok "an empty file" contains "$err" "empty.yaml: empty: no task is defined"
ok "an empty file: 2" test "$status" = 2

printf 'run: x\n\000\n' >binary.yaml
sky task binary.yaml
ok "a binary file" contains "$err" "binary.yaml:2:1: a binary file, not text"

printf 'run: caf\351\n' >latin1.yaml
sky task latin1.yaml
ok "Latin-1" contains "$err" "latin1.yaml:1:9: not UTF-8 text"

yes '# a line of a comment that makes the file grow' | head -c 10485761 >large.yaml
sky task large.yaml
ok "more than 10 MB" contains "$err" "larger than 10485760 bytes"
ok "more than 10 MB: 2" test "$status" = 2

awk 'BEGIN { printf "run: x\nenvs: {A: "; for (i = 0; i < 5000; i++) printf "["; print "" }' >deep.yaml
sky task deep.yaml
ok "nested deeply" contains "$err" "nested more than 64 levels deep"

if [ "$(id -u)" = 0 ]; then
  skip "an unreadable file" "root reads everything"
else
  chmod 000 t.yaml
  sky task t.yaml
  ok "an unreadable file" contains "$err" "Permission denied"
  chmod 600 t.yaml
fi

printf 'workdir: /no/such/folder\nrun: x\n' >check.yaml
sky task check.yaml
ok "what is only needed to run it passes" test "$status" = 0
sky task check.yaml --check
ok "unless it is asked for" contains "$err" "check.yaml:1:1: workdir: '/no/such/folder' is not here"

sky task
ok "no file" test "$status" = 2
sky task t.yaml --disk-tier fast
ok "a word that is none" contains "$err" "--disk-tier takes one of low"

# Settings.
sky config
ok "all settings" contains "$out" "catalog.max_age_hours"
ok "and where they are from" contains "$out" "default"
sky config set catalog.max_age_hours 12
ok "one is set" test "$status" = 0
sky config get catalog.max_age_hours
ok "and has its value" test "$out" = 12
sky config --json
ok "as JSON" contains "$out" '"source": "'"$SKYTOP_HOME"'/config/config.yaml:2"'
sky config unset catalog.max_age_hours
sky config get catalog.max_age_hours
ok "and back to the default" test "$out" = 7
sky config path
ok "the file" test "$out" = "$SKYTOP_HOME/config/config.yaml"
sky config get catalog.max_age
ok "a name that is none" contains "$err" "did you mean 'catalog.max_age_hours'?"
ok "a name that is none: 2" test "$status" = 2
sky config set ui.mouse maybe
ok "a value that is none" contains "$err" "ui.mouse must be true or false, not 'maybe'"
printf 'ui: {mouse: 3}\n' >"$SKYTOP_HOME/config/config.yaml"
sky config get ui.mouse
ok "a broken file still gives the default" test "$out" = true
ok "and says what is wrong" contains "$err" "config.yaml:1:13: ui.mouse must be true or false"

done_testing
