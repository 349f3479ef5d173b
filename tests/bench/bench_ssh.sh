#!/bin/sh
# SSH beside ssh and scp, on one sshd of our own: streams out and in, and 200 connections from one process. Each figure is the best
# of a few rounds in which all peers had their turn, because a busy machine is unfair to whoever comes last. BENCH_SSH_MB=1024 takes
# a larger file.
set -u
: "${top_builddir:?}"
sshd=$(command -v sshd || echo /usr/sbin/sshd)
if [ ! -x "$sshd" ] || ! command -v scp >/dev/null 2>&1; then
  echo "sshd or scp is not here: nothing is measured" >&2
  exit 0
fi
client=$top_builddir/tests/bench/ssh_client
mb=${BENCH_SSH_MB:-256}
dir=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

ssh-keygen -q -t ed25519 -N '' -f "$dir/host" && ssh-keygen -q -t ed25519 -N '' -f "$dir/key" || exit 1
cp "$dir/key.pub" "$dir/authorized"
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
SSH_PORT='' SSH_KEY=$dir/key SSH_KNOWN=$dir/known
export SSH_PORT SSH_KEY SSH_KNOWN
for SSH_PORT in 22811 22823 22837 22849; do
  cat >"$dir/conf" <<S
ListenAddress 127.0.0.1
Port $SSH_PORT
HostKey $dir/host
AuthorizedKeysFile $dir/authorized
PidFile none
SetEnv HOME=$dir
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxStartups 400
MaxSessions 64
LogLevel ERROR
Subsystem sftp internal-sftp
S
  "$sshd" -D -e -f "$dir/conf" 2>"$dir/log" &
  pid=$!
  sleep 0.3
  if kill -0 "$pid" 2>/dev/null; then break; fi
  pid=
done
[ -n "$pid" ] || { cat "$dir/log" >&2; exit 1; }
cat >"$dir/ssh_config" <<S
Host node
  HostName 127.0.0.1
  Port $SSH_PORT
  IdentityFile $dir/key
  IdentitiesOnly yes
  UserKnownHostsFile $dir/known_ssh
  StrictHostKeyChecking no
  LogLevel ERROR
S
dd if=/dev/urandom of="$dir/file" bs=1M count="$mb" 2>/dev/null

timed() { # COMMAND...: its seconds, to what it took at best so far
  start=$(date +%s%N)
  "$@" >"$dir/sink" 2>"$dir/log" </dev/null || { cat "$dir/log" >&2; return 1; }
  echo $((($(date +%s%N) - start) / 1000000)) | awk '{ printf "%.3f\n", $1 / 1000 }'
}
least() { # FILE: the smallest number in it
  sort -n "$1" | head -n 1
}

failed=0
i=0
while [ $i -lt "${BENCH_SSH_ROUNDS:-3}" ]; do
  i=$((i + 1))
  "$client" out "cat $dir/file" >>"$dir/t.out" || failed=1
  timed sh -c "ssh -F $dir/ssh_config node cat $dir/file >/dev/null" >>"$dir/t.ssh_out" || failed=1
  "$client" in "$dir/file" "cat >$dir/up" >>"$dir/t.in" || failed=1
  timed scp -q -F "$dir/ssh_config" "$dir/file" "node:$dir/up2" >>"$dir/t.scp" || failed=1
  timed sh -c "ssh -F $dir/ssh_config node 'cat >$dir/up2' <$dir/file" >>"$dir/t.ssh_in" || failed=1
done
cmp -s "$dir/file" "$dir/up" || failed=1
rm -f "$dir/up" "$dir/up2"
"$client" many 200 >"$dir/t.many" || failed=1
[ $failed = 0 ] || exit 1

awk -v mb="$mb" -v out="$(least "$dir/t.out")" -v ssh_out="$(least "$dir/t.ssh_out")" -v up="$(least "$dir/t.in")" \
  -v scp="$(least "$dir/t.scp")" -v ssh_in="$(least "$dir/t.ssh_in")" 'BEGIN {
  printf "ssh: stream of %d MiB out\t%.0f\tMiB/s\t-\n", mb, mb / out
  printf "ssh host cat (OpenSSH)\t%.0f\tMiB/s\t-\n", mb / ssh_out
  printf "ssh: stream out, part of OpenSSH'\''s\t%.0f\t%%\t>=80\n", 100 * ssh_out / out
  printf "ssh: %d MiB in\t%.0f\tMiB/s\t-\n", mb, mb / up
  printf "scp (OpenSSH)\t%.0f\tMiB/s\t-\n", mb / scp
  printf "ssh host cat >FILE (OpenSSH)\t%.0f\tMiB/s\t-\n", mb / ssh_in
  printf "ssh: in, part of scp'\''s\t%.0f\t%%\t>=80\n", 100 * scp / up
}'
awk -F '\t' '{
  printf "ssh: 200 connections, all answered a command\t%.1f\ts\t-\n", $1
  printf "ssh: 200 connections, most memory\t%.0f\tMiB\t150\n", $2 / 1024
  printf "ssh: 200 connections, CPU time of ours\t%d\tms\t-\n", $3
}' "$dir/t.many"
