#!/bin/sh
# A gang of four nodes over a real sshd on a loopback address: each worker has a key with a forced command that gives it its own HOME, as
# leases have; the head reaches it by one ssh config with shared connections. A rendezvous over TCP from the exported variables
# alone, a connection that is cut, a node whose key is refused, and no process left. Skipped where there is no sshd.
# shellcheck disable=SC2015,SC2016 # A && B || C as it reads; text for other shells
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
agent=$top_srcdir/share/agent/skytop-agent
n=0
ok() { # TEXT TEST…
  n=$((n + 1))
  text=$1
  shift
  if "$@"; then echo "ok $n - $text"; else
    echo "not ok $n - $text"
    echo "#   failed: $*" | head -c 600
  fi
}
skip() {
  echo "1..0 # SKIP $1"
  exit 0
}
PATH=$PATH:/usr/sbin:/sbin
sshd=$(command -v sshd) && command -v ssh >/dev/null && command -v ssh-keygen >/dev/null || skip "there is no sshd here"
command -v python3 >/dev/null || skip "there is no python3 here"
# root may have a login shell of its own here, without rc files that take their time.
if [ "$(id -u)" = 0 ] && [ -z "${GANG_SSH_INNER-}" ] && unshare -m true 2>/dev/null; then
  GANG_SSH_INNER=1 exec unshare -m "$0"
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/skytop-gang.XXXXXX") || exit 99
unset SKYTOP_AGENT_DIR SKYTOP_AGENT_JOB SKYTOP_BOOT_ID SSH_AUTH_SOCK
if [ -n "${GANG_SSH_INNER-}" ]; then
  sed 's,^\(root:.*:\)[^:]*$,\1/bin/sh,' /etc/passwd >"$work/passwd" && mount --bind "$work/passwd" /etc/passwd
  mkdir -p /run/sshd
fi
end() {
  for i in 0 1 2 3; do HOME=$work/n$i sh "$agent" shutdown; done >/dev/null 2>&1
  for i in 1 2 3; do ssh -F "$work/n0/.skytop/ssh_config" -O exit node-$i; done >/dev/null 2>&1
  [ -s "$work/pid" ] && kill "$(cat "$work/pid")" 2>/dev/null
  [ -n "${GANG_SSH_INNER-}" ] && umount /etc/passwd 2>/dev/null
  rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM HUP

chmod 700 "$work"
ssh-keygen -q -t ed25519 -N '' -f "$work/host"
: >"$work/authorized"
for i in 0 1 2 3; do
  mkdir "$work/n$i"
  HOME=$work/n$i sh "$agent" init --node-id n$i --rank $i --gpus 0 --cpus 4 --ip 127.0.0.1 >/dev/null
  if [ $i = 0 ]; then continue; fi
  ssh-keygen -q -t ed25519 -N '' -f "$work/key$i"
  # What a lease's key is good for; its shell is talkative.
  printf '%s\n' 'echo "Welcome to this machine!"' 'echo "noise" >&2' "HOME=$work/n$i; export HOME; cd" 'exec sh -c "$SSH_ORIGINAL_COMMAND"' >"$work/n$i/enter"
  echo "command=\"sh $work/n$i/enter\" $(cat "$work/key$i.pub")" >>"$work/authorized"
done
chmod 600 "$work/authorized"
started=
for port in 22600 22601 22602 22603 22604 22605 22606 22607; do
  cat >"$work/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey $work/host
AuthorizedKeysFile $work/authorized
StrictModes no
UsePAM no
PidFile $work/pid
CONFIG
  if "$sshd" -f "$work/sshd_config" -E "$work/sshd.log"; then
    started=1
    break
  fi
done
[ -n "$started" ] || skip "sshd does not start here: $(tail -n 1 "$work/sshd.log" | tr '\n' ' ')"
{
  printf '%s\n' 'Host node-*' '  HostName 127.0.0.1' "  Port $port" "  User $(id -un)" '  BatchMode yes' '  IdentitiesOnly yes' \
    '  StrictHostKeyChecking yes' "  UserKnownHostsFile $work/known" '  LogLevel ERROR' '  ConnectTimeout 10' '  ServerAliveInterval 10' \
    '  ServerAliveCountMax 3' '  ControlMaster auto' '  ControlPersist 30' "  ControlPath $work/m-%n"
  for i in 1 2 3; do printf 'Host node-%s\n  IdentityFile %s\n' $i "$work/key$i"; done
} >"$work/n0/.skytop/ssh_config"
echo "[127.0.0.1]:$port $(cut -d ' ' -f 1,2 "$work/host.pub")" >"$work/known"
{
  echo '0 127.0.0.1 0 4'
  for i in 1 2 3; do echo "$i 127.0.0.1 0 4 ssh -F $work/n0/.skytop/ssh_config node-$i"; done
} >"$work/n0/.skytop/nodes"
if ! timeout 20 ssh -F "$work/n0/.skytop/ssh_config" node-1 true >/dev/null 2>"$work/ssh.err"; then
  skip "no login on this machine's loopback: $(tail -n 1 "$work/ssh.err")"
fi

HOME=$work/n0
export HOME
dir=$HOME/.skytop
submit() { # KEY, run in stdin [setup as $2]
  mkdir "$dir/inbox/$1"
  cat >"$dir/inbox/$1/run"
  [ -z "${2-}" ] || echo "$2" >"$dir/inbox/$1/setup"
  printf 'user=ann\ncluster=c1\nnum_nodes=4\n' >"$dir/inbox/$1/meta"
  job=$(sh "$agent" submit "$1" | sed 's/.*"job":\([0-9]*\).*/\1/')
}
line() { sh "$agent" queue "$job" | head -n 1; }
in_line() { case $(line) in *"$1"*) ;; *) return 1 ;; esac; }
until_ok() {
  uo_n=0
  until "$@"; do
    [ $uo_n -ge 300 ] && return 1
    sleep 0.1
    uo_n=$((uo_n + 1))
  done
}

# Sums up the ranks over TCP, knowing nothing but what every job is told. The port is the first one that is free, told by a file.
cat >"$work/reduce.py" <<'PY'
import os, socket, sys, time
rank, ranks = int(os.environ["SKYPILOT_NODE_RANK"]), int(os.environ["SKYPILOT_NUM_NODES"])
head = os.environ["SKYPILOT_NODE_IPS"].split("\n")[0]
told = sys.argv[1]
if rank == 0:
    s = socket.create_server((head, 0), backlog=ranks)
    with open(told + ".new", "w") as f:
        f.write(str(s.getsockname()[1]))
    os.rename(told + ".new", told)
    peers = [s.accept()[0] for _ in range(ranks - 1)]
    total = sum(int(p.makefile().readline()) for p in peers) + rank + 1
    for p in peers:
        p.sendall(b"%d\n" % total)
else:
    for _ in range(300):
        if os.path.exists(told):
            break
        time.sleep(0.1)
    s = socket.create_connection((head, int(open(told).read())), timeout=30)
    s.sendall(b"%d\n" % (rank + 1))
    total = int(s.makefile().readline())
print("rank", rank, "of", ranks, "total", total)
PY
submit reduce 'echo "prepared $SKYPILOT_SETUP_NODE_RANK"' <<RUN
exec python3 "$work/reduce.py" "$work/port"
RUN
sh "$agent" logs "$job" --follow >"$work/log"
ok "four ranks meet and add up" in_line '"status":"SUCCEEDED"'
ok "each with its label" test "$(grep -cE '^\((head|worker[123]), rank=[0-3], pid=[0-9]+\) rank [0-3] of 4 total 10$' "$work/log")" = 4
ok "setup ran on all" test "$(grep -c 'prepared [0-3]$' "$work/log")" = 4
ok "no noise of a login shell is in the log" test "$(grep -ci -e welcome -e noise "$work/log")" = 0
ok "a rank's own log" test "$(sh "$agent" logs "$job" --rank 2 | tr '\n' '|')" = 'prepared 2|rank 2 of 4 total 10|'
ok "a node's setup" test "$(sh "$agent" logs "$job" --rank 3 --setup)" = 'prepared 3'

# All connections are cut while lines come; more follow meanwhile. Nothing is lost, nothing comes twice.
submit cut <<RUN
i=0
while [ \$i -lt 60 ]; do echo "line \$i"; i=\$((i + 1)); sleep 0.05; done
RUN
until_ok grep -q 'rank=3.*line 3$' "$dir/jobs/$job/log"
for i in 1 2 3; do ssh -F "$dir/ssh_config" -O exit node-$i; done >/dev/null 2>&1
sh "$agent" logs "$job" --follow >"$work/log"
ok "connections that are cut are made again" in_line '"status":"SUCCEEDED"'
for i in 0 1 2 3; do
  sed -n "s/^([a-z0-9]*, rank=$i, pid=[0-9]*) line //p" "$work/log" | awk '$0 != NR - 1 { bad = 1 } END { print NR == 60 && !bad }'
done | uniq >"$work/whole"
ok "no line is lost or doubled" test "$(cat "$work/whole")" = 1

# The first that fails is named and the others end.
submit fails <<RUN
[ "\$SKYPILOT_NODE_RANK" != 2 ] || exit 9
echo \$\$ >p; exec sleep 300
RUN
sh "$agent" logs "$job" --follow >"$work/log"
ok "the first rank that fails ends the job" in_line '"status":"FAILED","reason":null'
ok "its exit code is the job's, and it is named" in_line '"exit_code":9,"exit_codes":[137,137,9,137]'
ok "in the last line, too" test "$(tail -n 1 "$work/log")" = '[skytop] rank 2 on node 2 (127.0.0.1) failed with exit code 9; the other ranks were stopped'
ok "nothing of the others is left" until_ok sh -c '! kill -0 "$(cat "$1")" 2>/dev/null' x "$work/n3/sky_workdir/p"

# A node that refuses the head.
grep -v "n3/enter" "$work/authorized" >"$work/authorized.new" && mv "$work/authorized.new" "$work/authorized"
ssh -F "$dir/ssh_config" -O exit node-3 >/dev/null 2>&1
submit refused <<RUN
echo never >"$work/never"
RUN
sh "$agent" logs "$job" --follow >"$work/log"
ok "a node that lets nobody in fails the job" in_line '"reason":"node"'
ok "by name, with what ssh said" grep -q '^\[skytop\] node 3 (127.0.0.1) cannot run its part of the job: .*Permission denied' "$work/log"
ok "and nothing ran" test ! -e "$work/never"
echo "1..$n"
