#!/bin/sh
# `skytop ssh-pool`: the file, and how hosts are added to it, without any host that answers. (With real ones: tests/providers/test_ssh_pool_life.py.)
. "${top_srcdir:-.}/tests/cli/tap.sh"
pools=$SKYTOP_HOME/config/ssh_pools.yaml
trap '"$SKYTOP" engine stop >/dev/null 2>&1; rm -rf "$tmp"' EXIT

sky ssh-pool list
ok "no file" test "$status" = 0
ok "no file: what to do" contains "$err" "skytop ssh-pool add POOL HOST"
sky ssh-pool check
ok "no file: check fails" test "$status" = 1
sky ssh-pool add lab
ok "add wants hosts" test "$status" = 2

sky ssh-pool add lab 127.0.0.1 box --no-check --user ubuntu --port 1 -i '~/.ssh/my key' -J me@gate
ok "the file is made" test "$status" = 0
ok "what it says" test "$(cat "$pools")" = 'lab:
  user: ubuntu
  identity_file: "~/.ssh/my key"
  jump: me@gate
  port: 1
  hosts:
    - 127.0.0.1
    - box'
ok "it is private" test "$(stat -c %a "$pools")" = 600

printf '# top\n\nlab:\n  hosts:   # these\n  - 127.0.0.1\n  # and this\n  - {ip: 127.0.0.2, port: 1}  # second\n\n# next\nb: {hosts: [x, y]}\n' >"$pools"
sky ssh-pool add lab c --no-check
ok "comments and order stay" test "$(cat "$pools")" = '# top

lab:
  hosts:   # these
  - 127.0.0.1
  # and this
  - {ip: 127.0.0.2, port: 1}  # second
  - c

# next
b: {hosts: [x, y]}'
sky ssh-pool add lab d --no-check --port 7
ok "keys of a host" contains "$(cat "$pools")" '  - c
  - ip: d
    port: 7

# next'
cp "$pools" "$tmp/was"
sky ssh-pool add b z --no-check
ok "a form that cannot be changed safely" test "$status" = 1
ok "… says what to write" contains "$err" "- z"
sky ssh-pool add lab c --no-check
ok "a host that is there" contains "$err" "lists c already"
sky ssh-pool add new '1:30' --no-check --json
ok "what YAML would take for a number" contains "$(cat "$pools")" '- "1:30"'
ok "JSON" contains "$out" '"added": 1'
cp "$tmp/was" "$pools"

printf 'lab: {port: 1, hosts: [127.0.0.1]}\n' >"$pools"
sky ssh-pool add lab2 127.0.0.1 --port 1
ok "a host that does not answer is not added" test "$status" = 1
ok "… and the way out is told" contains "$err" "--no-check"
ok "… nothing was written" test "$(cat "$pools")" = 'lab: {port: 1, hosts: [127.0.0.1]}'
sky ssh-pool list
ok "list: it is silent" contains "$out" "silent"
sky ssh-pool list --json
ok "list: JSON" contains "$out" '"answers": false'
sky ssh-pool check lab/127.0.0.1
ok "check: fails" test "$status" = 1
ok "check: what to do" contains "$out" "is it on, and can its sshd be reached from here?"
sky ssh-pool check nope
ok "no such pool" contains "$err" "there is no pool or host 'nope'"
printf 'lab:\n  hosts:\n  - ip: a\n    port: x\n' >"$pools"
sky ssh-pool list
ok "a mistake in the file" test "$status" = 2
ok "… its place" contains "$err" "lab.hosts[0].port: must be a whole number"
printf 'lab: [\n' >"$pools"
sky ssh-pool list
ok "no YAML" contains "$err" "ssh_pools.yaml:"
sky ssh-pool add lab x --no-check
ok "no YAML: nothing is added" test "$status" = 2

rm "$pools"
mkdir -p "$HOME/.sky"
printf 'sky:\n  hosts:\n    - 127.0.0.1\n' >"$HOME/.sky/ssh_node_pools.yaml"
sky ssh-pool add sky 127.0.0.3 --no-check
ok "SkyPilot's file counts where ours is not there" contains "$(cat "$HOME/.sky/ssh_node_pools.yaml")" "- 127.0.0.3"
done_testing
