#!/bin/sh
# The node agent's share of what a user waits for: submit to the first line of the log in a follower's hands, a new line to the
# follower, a change of status to a watcher, and how fast a log is read beside cat.
set -u
: "${top_srcdir:?}"
agent=$top_srcdir/share/agent/skytop-agent
home=$(mktemp -d) || exit 1
export HOME="$home"
unset SKYTOP_AGENT_DIR SKYTOP_BOOT_ID
dir=$home/.skytop
trap 'sh "$agent" shutdown >/dev/null 2>&1; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
case $(date +%s%3N) in *[!0-9]*) exit 1 ;; esac # no clock to measure with
now() { date +%s%3N; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { printf 'agent: %s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4"; }

sh "$agent" init --node-id bench >/dev/null || exit 1
i=0
while [ $i -lt 20 ]; do
  i=$((i + 1))
  mkdir "$dir/inbox/k$i"
  echo 'date +%s%3N' >"$dir/inbox/k$i/run"
  before=$(now)
  sh "$agent" submit k$i >/dev/null
  submitted=$(now)
  sh "$agent" logs $i --follow | head -n 1 >"$home/line"
  shown=$(now)
  echo $((submitted - before)) >>"$home/submit"
  echo $((shown - before)) >>"$home/first"
done
row "submit" "$(median "$home/submit")" ms 100
row "submit to the first line with a follower" "$(median "$home/first")" ms 100

mkdir "$dir/inbox/lines"
echo 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; date +%s%3N; done' >"$dir/inbox/lines/run"
sh "$agent" submit lines >/dev/null
sh "$agent" logs 21 --follow | while read -r written; do echo $(($(now) - written)); done >"$home/lines"
row "a line after a pause, to the follower" "$(median "$home/lines")" ms 200

sh "$agent" watch --no-stdin --interval 0 >"$home/watch" &
watch=$!
until grep -q ready "$home/watch"; do sleep 0.02; done
i=0
while [ $i -lt 5 ]; do
  i=$((i + 1))
  mkdir "$dir/inbox/w$i"
  echo true >"$dir/inbox/w$i/run"
  sh "$agent" submit w$i >/dev/null
  until ended=$(sed -n 's/.*"key":"w'$i'".*SUCCEEDED.*"ended_at":\([0-9]*\).*/\1/p' "$home/watch") && [ -n "$ended" ]; do sleep 0.005; done
  echo $(($(now) - ended)) >>"$home/told"
done
kill "$watch"
row "a change of status, to the watcher" "$(median "$home/told")" ms 300

mkdir "$dir/inbox/big"
echo 'head -c 300000000 /dev/zero' >"$dir/inbox/big/run"
sh "$agent" submit big >/dev/null
sh "$agent" logs 27 --follow >/dev/null
cat <"$dir/jobs/27/log" | cat >/dev/null
before=$(now)
cat <"$dir/jobs/27/log" | cat >/dev/null
plain=$(now)
sh "$agent" logs 27 --follow | cat >/dev/null
read=$(now)
row "300 MB of log, rate beside cat" "$(awk "BEGIN { printf \"%.2f\", ($plain - $before) / ($read - $plain) }")" ratio ">=0.8"

# A cluster of folders on this machine: four nodes that write a million lines, and what they look like in one log.
cluster() { # NODES
  home0=$home/c0
  : >"$home/nodes.list"
  i=0
  while [ $i -lt "$1" ]; do
    mkdir -p "$home/c$i"
    HOME=$home/c$i sh "$agent" init --node-id c$i --rank $i --gpus 0 --cpus 4 >/dev/null
    if [ $i = 0 ]; then echo '0 10.0.0.1 0 4'; else echo "$i 10.0.0.$((i + 1)) 0 4 env HOME='$home/c$i' sh -c"; fi >>"$home/nodes.list"
    i=$((i + 1))
  done
  cp "$home/nodes.list" "$home0/.skytop/nodes"
}
gang() { # KEY NODES SCRIPT
  mkdir -p "$home0/.skytop/inbox/$1"
  echo "$3" >"$home0/.skytop/inbox/$1/run"
  echo "num_nodes=$2" >"$home0/.skytop/inbox/$1/meta"
  HOME=$home0 sh "$agent" submit "$1" | sed 's/.*"job":\([0-9]*\).*/\1/'
}
end() {
  for d in "$home" "$home"/c*; do HOME=$d sh "$agent" shutdown; done >/dev/null 2>&1
  rm -rf "$home"
}
trap end EXIT
cluster 4
before=$(now)
job=$(gang lines 4 'awk "BEGIN { for (i = 0; i < 250000; i++) print \"epoch 3 step \" i \" loss 0.123456 lr 0.0001 tokens/s 123456\" }"')
HOME=$home0 sh "$agent" logs "$job" --follow >"$home/merged"
after=$(now)
lines=$(grep -cE '^\((head|worker[123]), rank=[0-3], pid=[0-9]+\) epoch 3 step [0-9]+ loss 0.123456 lr 0.0001 tokens/s 123456$' "$home/merged")
[ "$lines" = 1000000 ] || exit 1
row "4 nodes write a million lines, merged and followed" "$(awk "BEGIN { printf \"%.0f\", $lines / ($after - $before) * 1000 }")" lines/s ">=16667"

nodes=${SKYTOP_BENCH_NODES:-100}
cluster "$nodes"
before=$(now)
# shellcheck disable=SC2016 # for the job
job=$(gang many "$nodes" 'echo $SKYPILOT_NODE_RANK; sleep 2')
submitted=$(now)
HOME=$home0 sh "$agent" logs "$job" --follow | {
  read -r _
  now >"$home/first.line"
  cat >/dev/null
}
row "$nodes nodes: submit" $((submitted - before)) ms 100
row "$nodes nodes: submit to the first line" $(($(cat "$home/first.line") - before)) ms 15000
