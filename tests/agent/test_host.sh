#!/bin/sh
# The script that shares out a machine of a pool, under dash, bash and busybox ash (with busybox's own tools), each in homes of its own.
# It is run as the provider runs it: as stdin of `sh -s`, or from the file it keeps of itself. The first shell runs all cases, the others what goes
# through most of the lines: they are here for what they read otherwise. SKYTOP_TORTURE=1: all do all.
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
script=$top_srcdir/share/agent/skytop-host

# ------------------------------------------------------------------------------------------------------- cases
is() { # TEXT GOT EXPECTED
  if [ "$2" = "$3" ]; then echo "ok $1"; else
    echo "not ok $1"
    printf 'got:      %s\nexpected: %s\n' "$2" "$3" | sed 's/^/#   /'
  fi
}
has() { # TEXT GOT PART
  case $2 in *"$3"*) echo "ok $1" ;; *)
    echo "not ok $1"
    printf 'got:  %s\nwithout: %s\n' "$2" "$3" | sed 's/^/#   /'
    ;;
  esac
}
yes() { # TEXT TEST…
  yes_text=$1
  shift
  if "$@"; then echo "ok $yes_text"; else echo "not ok $yes_text"; fi
}
until_ok() {
  uo_n=0
  until "$@"; do
    [ $uo_n -ge 600 ] && return 1
    sleep 0.05
    uo_n=$((uo_n + 1))
  done
}
host() { HOME=$home $shell -s -- "$@" <"$script" | tee -a "$work/json"; }
field() { sed -n 's/.*"'"$1"'":\("[^"]*"\|\[[^]]*\]\|[^,}]*\).*/\1/p' | head -n 1 | tr -d '"'; }
lease() { # ID CPUS MEM MILLI OF [MAX]
  host lease "$1" o1 "$2" "$3" "$4" "$5" "${6--}" '{"token":"'"$1"'","note":"it'"'"'s \"here\""}'
}
# A process "on" lease $1, that ignores TERM when $2 says so, and has a child that shed its environment. Sets $pid.
occupy() {
  # shellcheck disable=SC2016
  env SKYTOP_NODE_ID="$1" sh -c "${2:+trap : TERM; }"'(env -i sleep 60) & touch "$0/ready"; while :; do sleep 60 & wait $!; done' "$work" >/dev/null 2>&1 &
  pid=$!
  until_ok test -e "$work/ready"
  rm -f "$work/ready"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

suite() { # FOLDER SHELL [short]
  work=$1 shell=$2 short=${3-} t=h$$ # marks of processes are this run's own
  home="$work/a home's"
  mkdir -p "$home" "$work/bin"
  cat >"$work/bin/nvidia-smi" <<'E'
#!/bin/sh
[ -e "$FAKE_ILL" ] && { echo 'Failed to initialize NVML: "Driver/library" mismatch'; exit 18; }
for i in 0 1 2 3; do echo "$i, NVIDIA H100 80GB HBM3, 81559"; done
E
  chmod 755 "$work/bin/nvidia-smi"
  PATH=$work/bin:$PATH
  FAKE_ILL=$work/ill
  export FAKE_ILL
  cpus=$(nproc) mem=$(($(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo) / 1024))

  out=$(host probe)
  has "probe: CPUs" "$out" "\"cpus\":$cpus,"
  has "probe: GPUs as nvidia-smi names them" "$out" '"nvidia":"0, NVIDIA H100 80GB HBM3, 81559|1, '
  has "probe: the home, byte by byte" "$out" "\"home\":\"$home\""
  has "probe: nothing is missing" "$out" '"missing":[]'
  has "probe: writable" "$out" '"writable":true'
  is "probe: the end is marked" "$(echo "$out" | tail -n 1)" '{"type":"end"}'
  touch "$work/ill"
  out=$(host probe)
  has "probe: a driver that is ill" "$out" '"nvidia":null,"nvidia_error":"Failed to initialize NVML: \"Driver/library\" mismatch'
  rm "$work/ill"
  out=$(SSH_CONNECTION='10.0.0.1 999 10.0.0.2 22' host list)
  has "list: the address that we were reached at" "$out" '"addr":"10.0.0.2"'

  # --- leases
  out=$(lease $t-c1-n1 1 100 2000 0,1,2,3)
  is "lease: takes GPUs" "$(echo "$out" | field gpus)" "[0,1]"
  has "lease: keeps its meta" "$out" "\"meta\":{\"token\":\"$t-c1-n1\",\"note\":\"it's \\\"here\\\"\"}}"
  is "lease: again, it is the same" "$(lease $t-c1-n1 1 100 2000 0,1,2,3)" "$out"
  node="$home/.skytop/nodes/$t-c1-n1"
  is "lease: all is private" "$(cd "$home/.skytop" && find . ! -type l -perm /077)" ""
  yes "lease: the home is there" test -d "$node/home"
  has "lease: one of a cluster on a machine" "$(lease $t-c1-n2 0 0 0 -)" '"code":"no_resource","message":"another node of this cluster'
  is "lease: other GPUs for the next" "$(lease $t-c2-n1 0 100 1000 0,1,2,3 | field gpus)" "[2]"
  has "lease: more GPUs than are free" "$(lease $t-c3-n1 0 0 2000 0,1,2,3)" 'of 4 such GPUs of this machine 1 are free'
  has "lease: more CPUs than are free" "$(lease $t-c3-n1 "$cpus" 0 0 -)" "$cpus CPUs asked for, and $((cpus - 1)) of the $cpus of this machine are free"
  if [ -z "$short" ]; then refusals; else for n in 4 5; do lease $t-c$n-n1 0 0 500 0,1,2,3 >/dev/null; done; fi

  # --- stop, start
  occupy $t-c1-n1 deaf
  is "stop: stopped" "$(host stop $t-c1-n1 | field state)" STOPPED
  yes "stop: its processes are gone, deaf as they are" gone "$pid"
  wait "$pid" 2>/dev/null
  is "stop: its GPUs are free" "$(lease $t-c6-n1 0 0 1000 0,1,2,3 | field gpus)" "[0]"
  has "start: not enough GPUs any more" "$(host start $t-c1-n1)" '"code":"no_resource"'
  host release $t-c2-n1 >/dev/null
  out=$(host start $t-c1-n1)
  is "start: perhaps other GPUs" "$(echo "$out" | field gpus)" "[1,2]"
  has "start: another boot" "$out" '-2","cpus"'
  is "start: again, it is the same" "$(host start $t-c1-n1)" "$out"
  has "stop: of none" "$(host stop $t-no-x)" '"code":"not_found"'

  # --- release
  occupy $t-c1-n1
  (cd "$node/home" && mkdir locked && touch locked/x && chmod 500 locked)
  mkdir -p "$home/.ssh"
  printf 'ssh-ed25519 AAAA me\ncommand="sh %s/home/.skytop/enter" ssh-ed25519 BBBB skytop:c1\n' "$node" >"$home/.ssh/authorized_keys"
  is "release: released" "$(host release $t-c1-n1 | head -n 1)" "{\"type\":\"released\",\"id\":\"$t-c1-n1\"}"
  yes "release: its processes are gone" gone "$pid"
  wait "$pid" 2>/dev/null
  yes "release: its files are gone" test ! -e "$node"
  is "release: its keys are gone" "$(cat "$home/.ssh/authorized_keys")" "ssh-ed25519 AAAA me"
  is "release: again is fine" "$(host release $t-c1-n1 | head -n 1)" "{\"type\":\"released\",\"id\":\"$t-c1-n1\"}"
  is "nothing else is left" "$(cd "$home/.skytop/nodes" && ls -A)" "$(printf '%s\n' "$t-c4-n1" "$t-c5-n1" "$t-c6-n1")"

  [ -n "$short" ] || others
  for d in "$home/.skytop/nodes"/*; do host release "${d##*/}" >/dev/null; done
  yes "without leases there is no folder" until_ok test ! -e "$home/.skytop"
  host probe >/dev/null
  yes "… and a probe makes none" test ! -e "$home/.skytop"
  mkdir "$home/.skytop" && cp "$script" "$home/.skytop/.host.1"
  HOME=$home $shell "$home/.skytop/.host.1" lease $t-k1-n1 o1 0 0 0 - - '{}' >/dev/null
  yes "run from a file, it is kept with the lease" cmp -s "$script" "$home/.skytop/nodes/$t-k1-n1/host"
  yes "… and nowhere else" test ! -e "$home/.skytop/.host.1"
  host release $t-k1-n1 >/dev/null

  # --- faults
  has "no such verb" "$(host dance)" '"code":"usage"'
  if [ "$(id -u)" != 0 ]; then
    mkdir -p "$home/.skytop/nodes"
    chmod 500 "$home" "$home/.skytop" "$home/.skytop/nodes"
    has "a read-only home: probe says so" "$(host probe)" '"writable":false,"why":"Permission denied"'
    has "a read-only home: no lease" "$(lease $t-r1-n1 0 0 0 -)" '"code":"io"'
    chmod 700 "$home" "$home/.skytop" "$home/.skytop/nodes"
    rmdir "$home/.skytop/nodes" "$home/.skytop"
  fi
  home=/proc/no
  has "a home that cannot be written to: probe says so" "$(host probe)" '"writable":false,"why":"'
  has "a home that cannot be written to: no lease" "$(lease $t-r1-n1 0 0 0 -)" '"code":"io","message":"cannot make /proc/no/.skytop/nodes: No such file or directory"'
  if python3 -c 'import json' 2>/dev/null; then
    yes "every line is JSON" python3 -c 'import json,sys
for l in open(sys.argv[1]): json.loads(l)' "$work/json"
  fi
  echo "# complete"
}

# What is leased besides, and what is not.
refusals() {
  has "lease: more memory than is free" "$(lease $t-c3-n1 0 "$mem" 0 -)" "$mem MiB of memory asked for, and $((mem - 200)) of the $mem"
  has "lease: max_leases" "$(lease $t-c3-n1 0 0 0 - 2)" "max_leases is 2"
  is "lease: half of a GPU" "$(lease $t-c4-n1 0 0 500 0,1,2,3 | field gpus)" "[3]"
  is "lease: the other half" "$(lease $t-c5-n1 0 0 500 0,1,2,3 | field gpus)" "[3]"
  has "lease: no third half" "$(lease $t-c6-n1 0 0 500 0,1,2,3)" '"code":"no_resource"'
  is "list: all of them" "$(host list | grep -c '"type":"lease"')" 4
  for bad in "x 0 0 0 -" "../x-y-z 0 0 0 -" "$t-c7-n1 x 0 0 -" "$t-c7-n1 0 0 1500 0" "$t-c7-n1 0 0 0 0;x"; do
    # shellcheck disable=SC2086
    has "lease: refused: $bad" "$(lease $bad)" '"code":"usage"'
  done
  has "lease: meta must be one line" "$(host lease $t-c7-n1 o1 0 0 0 - - '{
}')" '"code":"usage"'
}

# What others left, or do at the same time; a lease that ends itself.
others() {
  # --- what others left
  ln -s 999999:1:gone "$home/.skytop/lock.$(uname -n | tr -c 'A-Za-z0-9.\n-' _)"
  has "a dead owner's lock is broken" "$(lease $t-c8-n1 0 0 0 -)" '"state":"RUNNING"'
  sed -i -e 's/^state=.*/state=ENDING/' -e 's/^worker=.*/worker=999999:1:gone/' "$home/.skytop/nodes/$t-c8-n1/lease"
  mkdir "$home/.skytop/nodes/.new.$t-c9-n9.999999:1:gone" "$home/.skytop/nodes/.gone.$t-c9-n8.999999:1:gone"
  is "a release that was cut is finished" "$(host probe | grep -c $t-c8-n1)" 0
  yes "what is no lease is cleared away" until_ok test ! -e "$home/.skytop/nodes/.new.$t-c9-n9.999999:1:gone" -a ! -e "$home/.skytop/nodes/.gone.$t-c9-n8.999999:1:gone"
  touch "$home/.skytop/nodes/$t-c4-n1/home/.skytop/skytop-agent"
  sed -i 's/^up=.*/up=-4000/' "$home/.skytop/nodes/$t-c4-n1/lease" "$home/.skytop/nodes/$t-c5-n1/lease"
  is "a lease that nobody moved into is given back" "$(host list | grep -o 'c[0-9]-n1","state"' | tr '\n' ' ')" 'c4-n1","state" c6-n1","state" '
  sed -i 's/^kboot=.*/kboot=other/' "$home/.skytop/nodes/$t-c4-n1/lease"
  has "after a reboot it is there, in another boot" "$(host list | grep c4-n1)" "\"state\":\"RUNNING\",\"boot\":\"$(cat /proc/sys/kernel/random/boot_id)-1\""
  : >"$home/.skytop/nodes/$t-c4-n1/lease"
  has "a record that is no more" "$(host list | grep c4-n1)" '"state":"BROKEN"'
  host release $t-c4-n1 >/dev/null
  yes "… can be released" test ! -e "$home/.skytop/nodes/$t-c4-n1"
  host release $t-c6-n1 >/dev/null

  # --- many at once
  n=0
  while [ $n -lt 6 ]; do
    lease "$t-p$n-n1" 0 0 1000 0,1,2,3 >"$work/p$n" &
    n=$((n + 1))
  done
  wait
  is "six at once for four GPUs: each is given once" "$(cat "$work"/p? | sed -n 's/.*"gpus":\[\([0-9]\)\].*/\1/p' | sort | tr '\n' ' ')" "0 1 2 3 "

  # --- it ends itself
  id=$(host list | sed -n 's/.*"id":"\([^"]*\)".*/\1/p' | head -n 1)
  cat >"$home/.skytop/nodes/$id/host" <"$script"
  env SKYTOP_NODE_ID="$id" sh "$home/.skytop/nodes/$id/home/.skytop/on_autostop" down
  yes "a lease can end itself" until_ok test ! -e "$home/.skytop/nodes/$id"

}

if [ "${1-}" = suite ]; then
  suite "$2" "$3" "${4-}"
  exit
fi

# ------------------------------------------------------------------------------------------------------- under every shell
top=$(mktemp -d "${TMPDIR:-/tmp}/skytop-host.XXXXXX") || exit 99
trap 'chmod -R u+rwX "$top" 2>/dev/null; rm -rf "$top"' EXIT
trap 'exit 1' INT TERM HUP
unset SKYTOP_NODE_ID SSH_CONNECTION
names=
start() { # NAME SHELL [PATH]
  mkdir "$top/$1"
  short=
  [ -z "$names" ] || [ -n "${SKYTOP_TORTURE:-}" ] || short=short
  names="$names $1"
  (PATH=${3:-$PATH} && exec "$2" "$0" suite "$top/$1" "$2" $short) >"$top/$1.out" 2>"$top/$1.err" </dev/null &
}
case $0 in /*) ;; *) set -- && cd "$(dirname "$0")" && exec sh "$PWD/$(basename "$0")" ;; esac
for shell in dash bash; do
  if command -v $shell >/dev/null 2>&1; then start $shell "$(command -v $shell)"; fi
done
if busybox sh -c : 2>/dev/null; then
  mkdir "$top/applets"
  for applet in $(busybox --list); do ln -s "$(command -v busybox)" "$top/applets/$applet"; done
  start ash "$top/applets/sh" "$top/applets"
fi
wait
for name in $names; do
  sed "s/^\(not ok\|ok\) /\1 $name: /" "$top/$name.out"
  grep -q '^# complete' "$top/$name.out" || echo "not ok $name: the suite ran to its end"
  sed "s/^/# $name: /" "$top/$name.err" | head -n 30
done | awk '/^(not )?ok / { n++; sub(/ok /, "ok " n " - ") } { print } END { print "1.." n }'
