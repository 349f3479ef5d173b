#!/bin/sh
# A machine's GPUs, shared by several local nodes: provider and node agent together give each job GPUs of its own node.
: "${top_srcdir:?}" "${SKYTOP:?}"
echo 1..7
work=$(mktemp -d "${TMPDIR:-/tmp}/skytop-providers.XXXXXX") || exit 1
n=0
is() { # TEXT GOT EXPECTED
  n=$((n + 1))
  if [ "$2" = "$3" ]; then echo "ok $n - $1"; else
    echo "not ok $n - $1"
    printf 'got: %s\nexpected: %s\n' "$2" "$3" | sed 's/^/# /'
  fi
}
ask() { # VERB ARGS
  printf '{"verb":"%s","args":%s,"state_dir":"%s/local"}' "$1" "$2" "$work" | "$SKYTOP" cloud-side local
}
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }
trap 'ask terminate "{\"cluster\":\"a\"}" >/dev/null; ask terminate "{\"cluster\":\"b\"}" >/dev/null; ask terminate "{\"cluster\":\"c\"}" >/dev/null
  rm -rf "$work"' EXIT

mkdir "$work/bin"
cat >"$work/bin/nvidia-smi" <<'E'
#!/bin/sh
for i in 0 1 2 3; do echo "$i, Tesla T4, 15360"; done
E
chmod 755 "$work/bin/nvidia-smi"
PATH=$work/bin:$PATH
unset CUDA_VISIBLE_DEVICES
unset SKYTOP_GPU_INDICES

node() { # CLUSTER TYPE: makes it; -> home, and `on` runs commands there
  made=$(ask create "{\"cluster\":\"$1\",\"nodes\":[{\"token\":\"t\",\"rank\":0}],\"instance_type\":\"$2\",\"region\":\"local\"}")
  home=$(echo "$made" | field home)
  id=$(echo "$made" | field SKYTOP_NODE_ID)
  boot=$(echo "$made" | field SKYTOP_BOOT_ID)
  gpus=$(echo "$made" | field SKYTOP_GPU_INDICES)
}
agent() {
  env HOME="$home" SKYTOP_NODE_ID="$id" SKYTOP_BOOT_ID="$boot" SKYTOP_GPU_INDICES="$gpus" \
    sh "$top_srcdir/share/agent/skytop-agent" "$@" </dev/null
}
job() { # KEY GPUS: what such a job sees
  mkdir -p "$home/.skytop/inbox/$1"
  # shellcheck disable=SC2016 # for the job
  echo 'echo "sees=${CUDA_VISIBLE_DEVICES-all}"' >"$home/.skytop/inbox/$1/run"
  echo "gpus=$2" >"$home/.skytop/inbox/$1/meta"
  number=$(agent submit "$1" | sed -n 's/.*"job":\([0-9]*\).*/\1/p')
  agent logs "$number" --follow | grep '^sees='
}

node a local-2xT4
agent init --node-id "$id" --gpus 2 >/dev/null
is "the first node's job sees its two" "$(job k1 2)" sees=0,1
node b local-2xT4
is "the second node holds the others" "$gpus" 2,3
agent init --node-id "$id" --gpus 2 >/dev/null
is "its job sees these two" "$(job k1 2)" sees=2,3
is "one of them" "$(job k2 1)" sees=2
is "none for a job that asked for none" "$(job k3 0)" sees=
node c local
agent init --node-id "$id" --gpus 0 >/dev/null
is "a node without GPUs sees none" "$(job k1 0)" sees=
for c in a b c; do ask terminate "{\"cluster\":\"$c\"}" >/dev/null; done
is "nothing is left" "$(ls "$work/local/nodes")" ''
