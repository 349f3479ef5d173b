#!/bin/sh
# The cases of the node agent. Run by test_agent.sh under one shell:
#   SHELL suite.sh NAME FOLDER "SHELL" "CASE…"
# Prints "ok TEXT" or "not ok TEXT" lines, and "# complete" at the end. Jobs that are to wait do so at a gate (a pipe), so that no case
# depends on how fast the machine is; time limits only end what hangs.
# shellcheck disable=SC2012,SC2016,SC2086,SC2094 # ls for modes; scripts for the jobs; numbers
: "${top_srcdir:?}"
suite=$1 work=$2 shell=$3
agent=$top_srcdir/share/agent/skytop-agent
SKYTOP_AGENT_SH=$shell
export SKYTOP_AGENT_SH
nl='
'
gates=$work/gates
mkdir -p "$gates"
export gates

# ------------------------------------------------------------------------------------------------------- helpers

ok() { # TEXT TEST…
  text=$1
  shift
  if "$@"; then echo "ok $text"; else
    echo "not ok $text"
    echo "#   failed: $*" | head -n 20 | sed '2,$s/^/# /'
  fi
}
is() { # TEXT GOT EXPECTED
  if [ "$2" = "$3" ]; then echo "ok $1"; else
    echo "not ok $1"
    printf 'got:      %s\nexpected: %s\n' "$2" "$3" | sed 's/^/#   /'
  fi
}
no() { ! "$@"; }
# Poll until the test holds; fails after 60 s. (A sleep is a process: the longer it takes, the more seldom we look.)
until_ok() {
  uo_n=0
  until "$@"; do
    [ $uo_n -ge 600 ] && return 1
    if [ $uo_n -lt 10 ]; then sleep 0.05; else sleep 0.1; fi
    uo_n=$((uo_n + 1))
  done
}
node() { # NAME [init options]: a fresh node, from here on the one that `ag` talks to
  home=$work/$1
  shift
  mkdir -p "$home"
  ag init --node-id "node-$suite" "$@" >/dev/null
  dir=$home/.skytop
}
ag() { HOME=$home $shell "$agent" "$@" </dev/null; }
# The same, keeping the lines to be checked as JSON at the end.
agj() {
  ag "$@" >"$work/out"
  agj_rc=$?
  cat "$work/out" >>"$work/json"
  cat "$work/out"
  return $agj_rc
}
field() { sed -n 's/.*"'"$1"'":\("[^"]*"\|\[[^]]*\]\|[^,}]*\).*/\1/p' | tr -d '"'; }
# KEY SCRIPT [meta line…]: a bundle; $setup and $env hold those files when set
bundle() {
  b_d=$dir/inbox/$1
  mkdir -p "$b_d"
  printf '%s\n' "$2" >"$b_d/run"
  [ -n "$2" ] || rm "$b_d/run"
  [ -z "${setup:-}" ] || printf '%s\n' "$setup" >"$b_d/setup"
  [ -z "${env:-}" ] || printf '%s\n' "$env" >"$b_d/env"
  printf 'user=ann\ncluster=c1\n' >"$b_d/meta"
  shift 2
  for b_line; do printf '%s\n' "$b_line" >>"$b_d/meta"; done
  setup='' env=
}
# … and submit it. -> job
submit() {
  bundle "$@"
  agj submit "$1" >"$work/submitted" || cat "$work/submitted"
  job=$(field job <"$work/submitted")
}
# JOB FIELD…: of its line in the queue. A value is as it stands in JSON, without quotes.
job_field() {
  jf_line=$(ag queue "$1") jf_out=
  shift
  for jf_name; do
    jf_value=${jf_line#*"\"$jf_name\":"}
    case $jf_value in
      \"*) jf_value=${jf_value#?} jf_value=${jf_value%%\"*} ;;
      \[*) jf_value=${jf_value%%]*}] ;;
      *) jf_value=${jf_value%%[,\}]*} ;;
    esac
    jf_out=$jf_out${jf_out:+ }$jf_value
  done
  echo "$jf_out"
}
status_of() { job_field "$1" status; }
# Polled, so without asking the agent, who would also mend.
has_status() { read -r hs_st _ 2>/dev/null <"$dir/jobs/$1/state" && [ "$hs_st" = "$2" ]; }
is_over() { case $(status_of "$1") in PENDING | SETTING_UP | RUNNING | '') return 1 ;; esac; }
finish() { ag logs "$1" --follow >/dev/null; }
gate_wait='mkfifo "$gates/$G" 2>/dev/null; read -r x <"$gates/$G" || :;'
kill_driver() { # of $job
  driver=$(cut -d ' ' -f 6 "$dir/jobs/$job/state" | cut -d : -f 1)
  kill -9 "$driver"
  until_ok gone "$driver"
}
kill_daemon() { # with its sleep, which would go on for some seconds
  daemon=$(ag status | field pid)
  kill -9 "-$daemon"
  until_ok gone "$daemon"
}
# For all who wait, and who come later. (What writes there is no child of ours, so that a wait does not wait for it.)
open_gate() {
  mkfifo "$gates/$1" 2>/dev/null
  (
    trap '' PIPE
    exec 8>&- # a case's own pipe
    while :; do echo >"$gates/$1"; done 2>/dev/null &
    echo $! >>"$work/openers"
  ) </dev/null >/dev/null
}
close_gates() {
  while read -r cg_pid; do kill -9 "$cg_pid"; done <"$work/openers"
  rm "$work/openers"
}
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
daemon_runs() { ag status | grep -q '"daemon":{"alive":true'; }
mode() { ls -ld "$1" | cut -c 1-10; }

# --------------------------------------------------------------------------------------------------------- cases

case_init() {
  home=$work/none dir=$work/none/.skytop
  is "a command before init is refused" "$(agj queue | field code)" not_initialised
  is "version" "$(agj version)" '{"type":"version","version":"1","protocol":1}'
  agj init >/dev/null
  is "init without id is wrong usage" $? 2
  is "no command is wrong usage" "$(ag | field code)" usage
  node init --cpus 3 --gpus 2 --rank 1 --ip 10.1.1.1
  is "the folder is private" "$(mode "$dir")" drwx------
  ok "init puts the agent there" cmp -s "$agent" "$dir/skytop-agent"
  pid=$(agj status | field pid)
  ok "the daemon runs" kill -0 "$pid"
  is "init again says the same" "$(agj init --node-id x --cpus 3 --gpus 2 --rank 1 | sed 's/"boot_id":"[^"]*"/B/')" \
    '{"type":"init","node_id":"x","rank":1,"gpus":2,"cpus":3,B,"rebooted":false,"version":"1","daemon":'"$pid"'}'
  is "wrong option" "$(ag init --node-id x --colour red | field code)" usage
  is "no such job" "$(agj cancel 7 | field code) $(agj queue 7 | field code) $(ag logs 7 2>&1 | field code)" \
    'not_found not_found not_found'
  is "empty queue" "$(agj queue --all)" '{"type":"end","jobs":0}'
  ag shutdown >/dev/null
}

case_run() {
  node run --ip 10.1.1.1
  (umask 022 && ag init --node-id r --ip 10.1.1.1 >/dev/null)
  env="A='it'\\''s'${nl}B='two${nl}lines'${nl}dir='x'${nl}s_st='x'${nl}NL='y'"
  (umask 022 && submit hello 'echo "$A|$B|$dir|$s_st"; pwd; umask; cat; echo err >&2; env | grep -E "^SKY(PILOT|TOP)_" | sort >env.txt; exit 3' \
    name=hello 'cluster_info={"cluster_name":"c1","cloud":"local"}' workdir=w/d task_id=sky-1_c1)
  job=1
  is "log, from the first byte to the last" "$(ag logs 1 --follow)" "it's|two${nl}lines|x|x${nl}$home/w/d${nl}0022${nl}err"
  agj queue 1 >/dev/null
  is "exit code, status" "$(job_field 1 status exit_code reason)" "FAILED 3 null"
  is "size of the log" "$(job_field 1 log_bytes)" "$(wc -c <"$dir/jobs/1/log" | tr -d ' ')"
  info='{"cluster_name":"c1","cloud":"local"}'
  for p in SKYPILOT SKYTOP; do
    [ $p = SKYTOP ] && echo "SKYTOP_AGENT_JOB=$dir:1;"
    printf "${p}_%s\n" "CLUSTER_INFO=$info" NODE_IPS=10.1.1.1 NODE_RANK=0 NUM_GPUS_PER_NODE=0 NUM_NODES=1 TASK_ID=sky-1_c1 TASK_IDS=sky-1_c1 USER=ann
    [ $p = SKYTOP ] && echo "SKYTOP_TEST_MARK=$SKYTOP_TEST_MARK"
  done | sort >"$work/env.expected"
  ok "environment of run" cmp "$home/w/d/env.txt" "$work/env.expected"
  ok "the job's secrets are deleted with its end" no test -e "$dir/jobs/1/env"

  submit sig 'kill -9 $$'
  finish $job
  is "death by a signal" "$(job_field $job status exit_code)" "FAILED 137"
  submit int 'trap "echo got; exit 0" INT; kill -INT $$; exit 1'
  is "SIGINT is not ignored in a job" "$(ag logs $job --follow)" "$(env --default-signal true 2>/dev/null && echo got)"
  submit away 'sleep 300 & echo $! >bg; setsid sh -c "echo \$\$ >daemon; exec sleep 300" >/dev/null 2>&1 & until [ -s daemon ]; do sleep 0.02; done'
  finish $job
  ok "what run leaves in its group ends with the job" until_ok gone "$(cat "$home/sky_workdir/bg")"
  ok "a daemon of its own session goes on" no gone "$(cat "$home/sky_workdir/daemon")"
  kill "$(cat "$home/sky_workdir/daemon")"
  submit nodir 'echo no' workdir=/proc/nowhere
  is "an impossible workdir" "$(ag logs $job --follow | grep -c 'cannot use /proc/nowhere') $(status_of $job)" "1 FAILED"
  env="A='open"
  submit badenv 'echo ran'
  finish $job
  is "a broken env file fails the job before it runs" "$(status_of $job) $(ag logs $job | grep -c '^ran')" "FAILED 0"
  printf 'PROFILED=yes; echo noise\n' >"$dir/profile"
  submit prof 'echo "$PROFILED $# $0"'
  is "profile is sourced without noise" "$(ag logs $job --follow)" "yes 0 $dir/jobs/$job/run"
  rm "$dir/profile"

  is "a job of no one's making" "$(job_field $job task_id | sed 's/-[0-9-]*_/-DATE_/')" "sky-DATE_c1_$job"
  ag shutdown >/dev/null
}

case_setup() {
  node setup --gpus 2
  setup='echo prepare; env | grep -E "^SKY(PILOT|TOP)_" | grep -v -e SKYTOP_AGENT -e SKYTOP_TEST | sed "s/=.*//" | sort | tr "\n" " " >names; exit 0'
  submit s1 'echo work' gpus=1
  is "setup comes first in the log" "$(ag logs $job --follow | tr '\n' '|')" '[skytop] setup|prepare|[skytop] run|work|'
  is "setup alone" "$(ag logs $job --setup | tr '\n' '|')" '[skytop] setup|prepare|'
  is "setup from an offset" "$(ag logs $job --setup --offset 15 | tr '\n' '|')" 'prepare|'
  ok "setup.log" test "$(cat "$dir/jobs/$job/setup.log")" = "$(ag logs $job --setup)"
  is "environment of setup" "$(cat "$home/sky_workdir/names")" "$(for p in SKYPILOT SKYTOP; do
    printf "${p}_%s " CLUSTER_INFO NUM_NODES SETUP_NODE_IPS SETUP_NODE_RANK SETUP_NUM_GPUS_PER_NODE TASK_ID
    [ $p = SKYPILOT ] && printf 'SKYPILOT_USER '
  done)SKYTOP_USER "
  setup='echo bad; exit 5'
  submit s2 'echo never'
  is "a failing setup ends the job" "$(ag logs $job --follow | tr '\n' '|')" '[skytop] setup|bad|'
  is "FAILED_SETUP with setup's exit code" "$(job_field $job status exit_code)" 'FAILED_SETUP 5'
  setup="G=setup; $gate_wait echo done"
  submit s3 ''
  until_ok has_status $job SETTING_UP
  is "SETTING_UP while it runs" "$(status_of $job)" SETTING_UP
  ag logs $job --setup --follow >"$work/setup.out" &
  follower=$!
  open_gate setup
  wait $follower
  is "following setup" "$(tr '\n' '|' <"$work/setup.out")" '[skytop] setup|done|'
  until_ok has_status $job SUCCEEDED
  is "a job of setup alone" "$(job_field $job status exit_code)" "SUCCEEDED 0"
  ag shutdown >/dev/null
}

case_submit() {
  node submit --gpus 1 --cpus 8
  is "no bundle" "$(agj submit nothing | field code)" not_found
  is "a key that is none" "$(agj submit ../x | field code) $(agj submit .x | field code) $(agj submit '' | field code)" 'invalid invalid invalid'
  bundle empty ''
  is "a bundle without scripts" "$(agj submit empty | field code)" invalid
  for gpus in x 1.2.3 -1 '' .; do
    bundle bad 'true' "gpus=$gpus"
    ag submit bad | field code
  done | sort | uniq -c | tr -s ' ' >"$work/codes"
  is "gpus that are no number" "$(cat "$work/codes")" ' 5 invalid'
  bundle big 'true' gpus=2
  is "more GPUs than there are" "$(agj submit big | field code)" no_resource
  bundle big 'true' num_nodes=2
  is "more nodes than there are" "$(agj submit big | field code)" no_resource
  is "nothing of these is queued" "$(ag queue --all)" '{"type":"end","jobs":0}'
  submit once 'echo x >>"$gates/once"'
  finish $job
  bundle once 'echo y >>"$gates/once"'
  is "the same key is the same job" "$(agj submit once)" '{"type":"submitted","job":1,"key":"once","status":"SUCCEEDED","existing":true}'
  ok "and the second bundle is dropped" no test -e "$dir/inbox/once"
  is "and ran once" "$(cat "$gates/once")" x
  for i in 1 2 3 4; do (bundle "par" 'echo z >>"$gates/par"' && ag submit par >"$work/par$i") & done
  wait
  is "submitted four times at once" "$(cat "$work"/par? | field job | sort -u)" 2
  finish 2
  is "ran once" "$(cat "$gates/par")" z

  submit name 'true' 'name=a "b" \\ c\nd\n'
  printf 'name=\377caf\303\251 \360\237\230\200 \355\240\200\001' >"$work/name"
  bundle utf 'true' "$(cat "$work/name")"
  agj submit utf >/dev/null
  agj queue --all >/dev/null
  is "name with quotes and newlines" "$(ag queue --all | sed -n 's/.*"name":\("a.*"\),"user.*/\1/p')" '"a \"b\" \\ c\nd\n"'
  is "name of foreign bytes" "$(ag queue --all | sed -n 's/.*"name":"\([^a].*\)","user.*/\1/p')" \
    '\ufffdcafé 😀 \ufffd\ufffd\ufffd\u0001'
  is "no name" "$(job_field 1 name)" null
  ag shutdown >/dev/null
}

case_logs() {
  node logs
  {
    head -c 300000 /dev/urandom 2>/dev/null
    awk 'BEGIN { for (i = 0; i < 100000; i++) printf "long"; print ""; printf "no newline" }'
  } >"$work/blob"
  size=$(wc -c <"$work/blob" | tr -d ' ')
  submit blob "cat '$work/blob'"
  ag logs $job --follow >"$work/got"
  ok "any bytes, long lines, no final newline" cmp "$work/got" "$work/blob"
  for at in 1 4096 299999 $((size - 1)) $size; do
    tail -c +$((at + 1)) "$work/blob" >"$work/rest"
    ag logs $job --offset $at >"$work/got"
    ag logs $job --offset $at --follow >"$work/got2"
    cmp "$work/rest" "$work/got" && cmp "$work/rest" "$work/got2" && echo same
  done >"$work/same"
  is "from an offset" "$(tr '\n' ' ' <"$work/same")" 'same same same same same '
  is "beyond the end" "$(ag logs $job --offset $((size + 1)) 2>&1 >/dev/null | field code)" invalid
  is "an offset that is none" "$(ag logs $job --offset -1 2>&1 >/dev/null | field code)" usage

  ag logs $job --tail-bytes 5 >"$work/got"
  is "the last bytes of a long line" "$(tr '\n' '|' <"$work/got")" '{"type":"log","offset":'$((size - 5))',"size":'"$size"'}|wline'
  submit tail 'for i in 1 2 3 4 5; do echo "line $i"; done'
  finish $job
  is "the last bytes, from the beginning of a line" "$(ag logs $job --tail-bytes 10 | tr '\n' '|')" '{"type":"log","offset":28,"size":35}|line 5|'
  is "all that is there" "$(ag logs $job --tail-bytes 999 | tr '\n' '|')" \
    '{"type":"log","offset":0,"size":35}|line 1|line 2|line 3|line 4|line 5|'
  is "one node has one rank" "$(ag logs $job --rank 0 | tail -n 1) $(ag logs $job --rank 1 2>&1 | field code)" 'line 5 not_found'

  submit slow 'i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i + 1)); [ $((i % 10)) = 0 ] && sleep 0.05; done; printf end'
  ag logs $job --follow >"$work/f1" &
  f1=$!
  # Three readers one after the other, each cut off somewhere, each going on where the one before was cut.
  : >"$work/f2"
  for cut in 50 100 100000; do
    ag logs $job --follow --offset "$(wc -c <"$work/f2" | tr -d ' ')" | head -c $cut >>"$work/f2"
  done
  wait $f1
  ok "followed to the end" cmp "$work/f1" "$dir/jobs/$job/log"
  ok "cut and resumed: nothing lost, nothing twice" cmp "$work/f2" "$dir/jobs/$job/log"

  submit quiet "echo first; G=quiet; $gate_wait echo last"
  $shell -c 'HOME=$1 $2 "$3" logs '$job' --follow >"$4" & echo $! >"$5"; while [ ! -e "$6" ]; do sleep 0.02; done' \
    x "$home" "$SKYTOP_AGENT_SH" "$agent" "$work/f3" "$work/f3.pid" "$gates/parent" &
  until_ok grep -qs first "$work/f3"
  open_gate parent
  ok "a reader whose parent is gone ends" until_ok gone "$(cat "$work/f3.pid")"
  mkfifo "$work/logs.in"
  HOME=$home $shell "$agent" logs $job --follow --stdin <"$work/logs.in" >"$work/f4" &
  f4=$!
  exec 8>"$work/logs.in"
  until_ok grep -qs first "$work/f4"
  exec 8>&-
  ok "a reader whose stdin is gone ends, if asked to" until_ok gone $f4
  # Of what time are the bytes? The job writes once more when the first are known.
  until_ok test -s "$dir/jobs/$job/log.times"
  open_gate quiet
  finish $job
  is "times of a log" "$(ag log-times $job | awk '{ print ($1 > 1e12), $2; exit }')" '1 6'
  is "from an offset" "$(ag log-times $job --offset-bytes 7 | grep -c ' 6$')" 0
  ag shutdown >/dev/null
}

case_fifo() {
  mkdir -p "$work/bin"
  cat >"$work/bin/nvidia-smi" <<'SMI'
#!/bin/sh
case $* in
  *=index,name*-i?1) printf '%s\n' '1, Fake H100, [N/A], 20, 81920' ;;
  *=index,name*) printf '%s\n' '0, Fake "H100", 3, 10, 81920' '1, Fake H100, [N/A], 20, 81920' ;;
  *=index*) printf '0\n1\n' ;;
esac
SMI
  chmod +x "$work/bin/nvidia-smi"
  PATH=$work/bin:$PATH
  node fifo --cpus 4
  is "GPUs counted and told" "$(agj status | sed 's/.*"gpus":\(\[.*\]\),"autostop.*/\1/')" \
    '[{"index":0,"name":"Fake H100","util":3,"mem_used":10485760,"mem_total":85899345920},{"index":1,"name":"Fake H100","util":null,"mem_used":20971520,"mem_total":85899345920}]'
  is "a share of the machine's GPUs" "$(SKYTOP_GPU_INDICES=1 ag status | sed 's/.*"gpus":\(\[.*\]\),"autostop.*/\1/' | field index)" 1
  is "none of them" "$(SKYTOP_GPU_INDICES='' ag status | field gpus)" '[]'
  say="echo cuda=\$CUDA_VISIBLE_DEVICES n=\$SKYPILOT_NUM_GPUS_PER_NODE; $gate_wait"
  env="G='1'" && submit f1 "$say" gpus=1
  env="G='2'" && submit f2 "$say" gpus=2
  env="G='3'" && submit f3 "$say" gpus=0
  until_ok has_status 1 RUNNING
  is "the first that does not fit makes the others wait" "$(status_of 2) $(status_of 3)" "PENDING PENDING"
  is "GPU of a running job" "$(job_field 1 gpu_ids) $(job_field 2 gpu_ids)" "[0] null"
  open_gate 1
  ok "then it runs, and what fits beside it" until_ok has_status 3 RUNNING
  until_ok has_status 2 RUNNING
  is "both GPUs" "$(job_field 2 gpu_ids) $(status_of 2)" "[0,1] RUNNING"
  open_gate 2
  open_gate 3
  is "CUDA_VISIBLE_DEVICES" "$(for i in 1 2 3; do ag logs $i --follow; done | tr '\n' '|')" 'cuda=0 n=1|cuda=0,1 n=2|cuda= n=0|'
  i=0
  for share in 0.5 1 .25 0.3333 0.5 0.6; do
    i=$((i + 1))
    env="G='4'" && submit "s$i" "$say" gpus=$share
  done >"$work/refused"
  is "a share without its zero" "$(field code <"$work/refused")" invalid
  until_ok has_status 6 RUNNING
  is "shares of one GPU" "$(for i in 4 5 6 7 8; do job_field $i gpu_ids; done | tr '\n' ' ')" '[0] [1] [0] null null '
  is "a share as it was asked for" "$(job_field 6 gpus)" 0.333
  open_gate 4
  for i in 4 5 6 7 8; do finish $i; done
  SKYTOP_GPU_INDICES=5,7
  export SKYTOP_GPU_INDICES
  submit real 'echo $CUDA_VISIBLE_DEVICES' gpus=2
  is "GPUs as the machine counts them" "$(ag logs $job --follow)" 5,7
  unset SKYTOP_GPU_INDICES
  is "all ran" "$(for i in 4 5 6 7 8; do status_of $i; done | sort | uniq -c | tr -s ' ')" ' 5 SUCCEEDED'
  PATH=${PATH#*:}
  ag shutdown >/dev/null
}

case_many() {
  node many --cpus 1 --gpus 1
  env="G='m'"
  submit m1 "$gate_wait"
  for i in 2 3; do
    env="G='m'"
    submit m$i "$gate_wait"
  done
  until_ok has_status 2 RUNNING
  is "at most two jobs a CPU" "$(status_of 1) $(status_of 2) $(status_of 3)" 'RUNNING RUNNING PENDING'
  ag cancel --all >"$work/cancelled"
  is "cancel all" "$(field status <"$work/cancelled" | sort | uniq -c | tr -s ' ')" ' 3 CANCELLED'
  i=0 count=12
  [ -z "${SKYTOP_TORTURE:-}" ] || count=200
  while [ $i -lt $count ]; do
    mkdir "$dir/inbox/q$i"
    echo "echo $i; echo $i >>'$work/ran'" >"$dir/inbox/q$i/run"
    echo gpus=1 >"$dir/inbox/q$i/meta"
    ag submit q$i
    i=$((i + 1))
  done >"$work/q"
  is "$count jobs submitted, one after the other" "$(field job <"$work/q" | tail -n 1)" $((count + 3))
  until_ok has_status $((count + 3)) SUCCEEDED
  agj queue --all >"$work/q"
  is "all succeeded" "$(grep -c SUCCEEDED "$work/q")" $count
  i=0
  while [ $i -lt $count ]; do
    echo $i
    i=$((i + 1))
  done >"$work/expected"
  ok "each ran once, in order" cmp "$work/ran" "$work/expected"
  is "each kept its log" "$(ag logs 13)" 9
  ag shutdown >/dev/null
}

case_cancel() {
  node cancel --cpus 4
  submit c1 'echo $$ >p1; sleep 300 & echo $! >p2; setsid sh -c "trap : TERM; echo \$\$ >p3; while :; do sleep 0.1; done" & (sleep 300 & echo $! >p4); wait'
  cd "$home" || exit
  until_ok test -s sky_workdir/p3
  until_ok test -s sky_workdir/p4
  is "cancel a running job" "$(agj cancel $job --grace 1 | field status)" CANCELLED
  # (One that was killed has no environment any more, but for some ms it is neither gone nor a zombie.)
  # shellcheck disable=SC2317,SC2329 # until_ok calls it
  all_gone() { for p in 1 2 3 4; do gone "$(cat "sky_workdir/p$p")" || return 1; done; }
  ok "with all its processes, be they daemons or deaf" until_ok all_gone
  is "again: no change" "$(agj cancel $job | field status)" CANCELLED
  submit c2 'exit 0'
  finish $job
  is "a finished job stays as it was" "$(agj cancel $job | field status)" SUCCEEDED
  setup='echo $$ >ps; sleep 300'
  submit c3 'echo never >>"$gates/never"'
  until_ok test -s sky_workdir/ps
  is "cancel during setup" "$(agj cancel $job | field status)" CANCELLED
  ok "setup is gone" until_ok gone "$(cat sky_workdir/ps)"
  ok "run never ran" no test -e "$gates/never"

  # A pid that was given to someone else meanwhile.
  sleep 300 &
  stranger=$!
  submit c4 'sleep 300'
  until_ok has_status $job RUNNING
  until_ok test -s "$dir/jobs/$job/pid.run"
  sed "s/^[0-9]*:/$stranger:/" "$dir/jobs/$job/pid.run" >"$work/pid" && cp "$work/pid" "$dir/jobs/$job/pid.run"
  is "cancel with a recycled pid" "$(agj cancel $job | field status)" CANCELLED
  ok "spares the stranger" kill -0 $stranger
  kill $stranger
  # The command died between its two steps: the daemon takes the second.
  submit c5 'sleep 300'
  until_ok has_status $job RUNNING
  echo 1 >"$dir/jobs/$job/cancel"
  ok "a cancel that was cut off is finished" until_ok has_status $job CANCELLED
  is "cancel without saying what" "$(ag cancel | field code)" usage
  cd "$work" || exit
  ag shutdown >/dev/null
}

case_deaths() {
  SKYTOP_BOOT_ID=boot-1
  export SKYTOP_BOOT_ID
  node deaths --cpus 1
  unset SKYTOP_BOOT_ID
  for i in 1 2 3; do
    env="G='never'"
    submit d$i "echo \$\$ >p$i; $gate_wait"
  done
  until_ok test -s "$home/sky_workdir/p2"
  ag autostop 10 >/dev/null
  is "no reboot, no change" "$(ag init --node-id n --cpus 1 | field rebooted) $(status_of 1) $(status_of 3)" 'false RUNNING PENDING'
  is "reboot" "$(SKYTOP_BOOT_ID=boot-2 agj init --node-id n --cpus 1 | field rebooted)" true
  is "no job survives it" "$(for i in 1 2 3; do job_field $i status reason; done | tr '\n' ' ')" \
    'FAILED_DRIVER reboot FAILED_DRIVER reboot FAILED_DRIVER reboot '
  ok "nor do its processes" until_ok gone "$(cat "$home/sky_workdir/p1")"
  is "autostop is void after it" "$(agj status | field autostop)" null
  is "the new boot id" "$(ag status | field boot_id)" boot-2

  submit d4 "echo \$\$ >p4; sleep 300 & echo \$! >p5; wait"
  until_ok test -s "$home/sky_workdir/p5"
  kill_driver
  is "driver killed" "$(job_field $job status reason)" 'FAILED_DRIVER driver_gone'
  ok "its script is ended" until_ok gone "$(cat "$home/sky_workdir/p4")"
  ok "and what that had started" until_ok gone "$(cat "$home/sky_workdir/p5")"

  kill_daemon
  env="G='d5'"
  submit d5 "$gate_wait"
  env="G='d5'"
  submit d6 "$gate_wait"
  env="G='d5'"
  submit d7 "$gate_wait"
  ok "daemon killed: the next command starts another" until_ok daemon_runs
  kill_daemon
  open_gate d5
  for i in 5 6 7; do finish $i; done
  is "jobs go on without it" "$(status_of 5) $(status_of 7)" 'SUCCEEDED SUCCEEDED'

  # Drivers that die find each other: with the daemon alone, nobody asking.
  submit d8 'sleep 300'
  until_ok has_status $job RUNNING
  kill_driver
  ok "the daemon finds a dead driver" until_ok grep -q FAILED_DRIVER "$dir/jobs/$job/state"

  until_ok ln -s "1:1:boot" "$dir/lock" 2>/dev/null
  submit d9 'echo d9'
  is "the lock of a dead process" "$(ag logs $job --follow)" d9
  until_ok ln -s "1:1:boot" "$dir/lock" 2>/dev/null
  ln -s "2:2:boot" "$dir/locks/1:1:boot"
  submit d10 'echo d10'
  is "… and of one that died breaking it" "$(ag logs $job --follow)" d10
  rm "$dir/last_job"
  submit d11 'echo d11'
  is "the count of jobs is lost" "$job" 11
  finish 11

  pid=$(ag status | field pid)
  { cat "$agent" && echo '# newer'; } >"$work/newer"
  job2=$(HOME=$home $shell "$work/newer" init --node-id n | field daemon)
  ok "another agent brings its own daemon" no test "$pid" = "$job2"
  ok "in place of the old one" until_ok gone "$pid"
  ag init --node-id n >/dev/null

  submit d12 'echo $$ >p12; sleep 300'
  until_ok test -s "$home/sky_workdir/p12"
  pid=$(ag status | field pid)
  is "shutdown" "$(agj shutdown | field type)" shutdown
  ok "ends the daemon" until_ok gone "$pid"
  ok "and the jobs" until_ok gone "$(cat "$home/sky_workdir/p12")"
  is "reading goes on" "$(job_field 12 status reason) $(ag logs 11)" 'FAILED_DRIVER shutdown d11'
  is "writing does not" "$(agj submit x | field code) $(agj cancel 12 | field code)" 'stopped stopped'
  ag init --node-id n >/dev/null
  submit d13 'echo d13'
  is "until init" "$(ag logs $job --follow)" d13
  ag shutdown >/dev/null
}

# Every call of a tool (each file operation is one) is a place to die at: a wrapper kills the agent instead of the n-th one; without
# SKYTOP_TORTURE=1 instead of every third one.
case_crashes() {
  if [ $suite = ash ]; then
    echo "ok killed at any step # SKIP busybox runs its own tools, which cannot be wrapped"
    return
  elif [ $suite = bash ] && [ -d "$work/../dash-lost" ]; then
    echo "ok killed at any step # SKIP dash does it"
    return
  fi
  mkdir -p "$work/wrap"
  for tool in mv ln rm chmod date; do
    real=$(command -v $tool)
    cat >"$work/wrap/$tool" <<WRAP
#!/bin/sh
read -r who <"/proc/\$PPID/cmdline" 2>/dev/null # NULs are left out
case \$who in *skytop-agent\${CRASH%%:*}x* | *skytop-agent\${CRASH%%:*}[0-9]*) ;; *) exec "$real" "\$@" ;; esac
read -r n <"$work/crash.n"; n=\$((n + 1)); echo \$n >"$work/crash.n"
[ \$n != "\${CRASH#*:}" ] || { kill -9 \$PPID; exit 1; }
exec "$real" "\$@"
WRAP
    chmod +x "$work/wrap/$tool"
  done
  node crashes --cpus 8
  every=1 which=any
  [ -n "${SKYTOP_TORTURE:-}" ] || every=3 which='every third'
  bad='' n=$((1 - every))
  while :; do
    n=$((n + every))
    bundle "x$n" "echo $n >>'$work/crash.ran'"
    echo 0 >"$work/crash.n"
    CRASH=submit:$n PATH=$work/wrap:$PATH ag submit x$n >/dev/null 2>&1
    done=$?
    [ -d "$dir/inbox/x$n" ] || bundle "x$n" "echo $n >>'$work/crash.ran'"
    job=$(ag submit x$n | field job)
    until_ok is_over "$job"
    [ "$(status_of "$job") $(grep -cx $n "$work/crash.ran")" = 'SUCCEEDED 1' ] || bad="$bad $n"
    [ $done = 0 ] && break
  done
  is "submit killed at $which step, then repeated: runs once" "$bad" ''
  ok "(there were steps to be killed at)" test $n -gt 8
  bad='' at=$((1 - every))
  while :; do
    at=$((at + every)) n=$((n + 1))
    bundle "x$n" "echo $n >>'$work/crash.ran'"
    echo 0 >"$work/crash.n"
    CRASH=_drive:$at PATH=$work/wrap:$PATH ag submit x$n >"$work/submitted" 2>&1
    job=$(field job <"$work/submitted")
    until_ok is_over "$job"
    ran=$(grep -cx $n "$work/crash.ran")
    case $(status_of "$job"):$ran in
      SUCCEEDED:1 | FAILED_DRIVER:[01]) ;;
      *) bad="$bad $at:$(status_of "$job"):$ran" ;;
    esac
    [ "$(cat "$work/crash.n")" -lt $at ] && break
  done
  is "driver killed at $which step: once at most, and it is known" "$bad" ''
  ok "(there were steps to be killed at, too)" test $at -gt 8
  submit after 'echo after'
  is "all goes on" "$(ag logs $job --follow) $(ag queue | tail -n 1)" 'after {"type":"end","jobs":0}'
  ag shutdown >/dev/null
}

case_watch() {
  SKYTOP_AGENT_SLOW_S=0
  export SKYTOP_AGENT_SLOW_S
  node watch
  unset SKYTOP_AGENT_SLOW_S
  submit w1 'true'
  finish $job
  mkfifo "$work/w.in"
  HOME=$home $shell "$agent" watch --interval 1 <"$work/w.in" >"$work/w.out" &
  watch=$!
  exec 8>"$work/w.in"
  until_ok grep -q ready "$work/w.out"
  is "watch begins with all jobs and a status" "$(field type <"$work/w.out" | tr '\n' ' ')" 'job status ready '
  setup='true'
  submit w2 'exit 4'
  ok "the end of a job is told" until_ok grep -q '"job":2.*"FAILED".*"exit_code":4' "$work/w.out"
  is "each step, in order" "$(grep '"job":2,' "$work/w.out" | field status | tr '\n' ' ')" 'PENDING SETTING_UP RUNNING FAILED '
  is "with the log's size at the end only" "$(grep '"job":2,' "$work/w.out" | field log_bytes | tr '\n' ' ')" "null null null $(wc -c <"$dir/jobs/2/log" | tr -d ' ') "
  ok "a status line now and then" until_ok sh -c '[ "$(grep -c "type\":\"status" "$1")" -ge 2 ]' x "$work/w.out"
  # The file of events is changed when it has grown.
  awk 'BEGIN { while (length(s) < 20000) s = s "filler "; for (i = 0; i < 60; i++) print "{\"type\":\"" s "\"}" }' >>"$dir/events.0"
  submit w3 'G=w3; '"$gate_wait"
  ok "events move to another file" until_ok test -e "$dir/events.1"
  open_gate w3
  ok "and watch follows" until_ok grep -q '"job":3.*"SUCCEEDED"' "$work/w.out"
  is "no event twice" "$(grep '"job":3,' "$work/w.out" | field status | tr '\n' ' ')" 'PENDING RUNNING SUCCEEDED '
  exec 8>&-
  ok "watch ends with its stdin" until_ok gone $watch
  wait $watch
  is "and says so by its status" $? 0
  grep -v filler "$work/w.out" >>"$work/json"

  $shell -c 'HOME=$1 $2 "$3" watch --no-stdin --interval 1 >"$4" & echo $! >"$5"; while [ ! -e "$6" ]; do sleep 0.02; done' \
    x "$home" "$SKYTOP_AGENT_SH" "$agent" "$work/w2.out" "$work/w2.pid" "$gates/w2" &
  until_ok grep -qs ready "$work/w2.out"
  open_gate w2
  ok "watch ends with its parent" until_ok gone "$(cat "$work/w2.pid")"
  HOME=$home $shell "$agent" watch --no-stdin --interval 1 >"$work/w3.out" &
  watch=$!
  until_ok grep -qs ready "$work/w3.out"
  kill $watch
  ok "watch ends when it is told to" until_ok gone $watch
  HOME=$home $shell "$agent" watch --no-stdin --interval 1 >"$work/w3.out" &
  watch=$!
  until_ok grep -qs ready "$work/w3.out"
  kill -9 $watch
  wait $watch 2>/dev/null
  submit w4 'true'
  finish $job
  is "a watch that was killed is in no one's way" "$(status_of $job)" SUCCEEDED
  ag shutdown >/dev/null
}

case_secrets() {
  node secrets
  env="TOKEN='s3cr3t-word'"
  bundle sec 'echo "${#TOKEN}"; G=sec; '"$gate_wait"
  chmod 644 "$dir/inbox/sec/env"
  agj submit sec >/dev/null
  until_ok has_status 1 RUNNING
  until_ok test -s "$dir/jobs/1/log"
  is "a secret reaches the job" "$(ag logs 1)" 11
  is "is in no command line" "$(grep -l 's3cr3t[-]word' /proc/[0-9]*/cmdline 2>/dev/null)" ''
  is "and in no file that others can read" "$(find "$dir" ! -type l \( -perm -040 -o -perm -004 -o -perm -020 -o -perm -002 \))" ''
  open_gate sec
  finish 1
  is "after the job it is nowhere" "$(grep -rlF s3cr3t-word "$dir" 2>/dev/null)" ''
  ag shutdown >/dev/null
}

untag() { sed 's/, pid=[0-9]*)/)/' | sort; }
# Three nodes, of which the first is the head.
gang_up() {
  SKYTOP_AGENT_SLOW_S=0
  export SKYTOP_AGENT_SLOW_S
  for i in 0 1 2; do
    rm -rf "$work/g$i"
    node "g$i" --rank $i --gpus 2 --cpus 2
  done
  unset SKYTOP_AGENT_SLOW_S
  home=$work/g0 dir=$work/g0/.skytop
  rm -rf "$work/g '1"
  mv "$work/g1" "$work/g '1"
  HOME="$work/g '1" $shell "$agent" init --node-id x --rank 1 --gpus 2 --cpus 2 >/dev/null
  printf '%s\n' "0 10.0.0.1 2 2" "1 10.0.0.2 2 2 env HOME='$work/g '\\''1' sh -c" "2 10.0.0.3 1.5 2 env HOME='$work/g2' sh -c" >"$dir/nodes"
  cp "$dir/nodes" "$work/nodes"
}
no_env() { [ -z "$(find "$work"/g*/.skytop -name 'env*')" ]; }
gang_down() {
  ok "secrets leave the nodes" until_ok no_env
  for home in "$work/g0" "$work/g '1" "$work/g2"; do ag shutdown >/dev/null; done
}
case_gang() {
  gang_up
  setup='echo "setup $SKYPILOT_SETUP_NODE_RANK of $SKYPILOT_NUM_NODES"' env="A='b'"
  submit g1 'echo "$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES $CUDA_VISIBLE_DEVICES" $SKYPILOT_NODE_IPS; printf "no newline"' num_nodes=2 gpus=1
  ag logs $job --follow >"$work/gang"
  is "a job of two nodes of three" "$(untag <"$work/gang")" "(head, rank=0) 0/2 0 10.0.0.1 10.0.0.2
(head, rank=0) no newline
(head, rank=0) setup 0 of 3
(worker1, rank=1) 1/2 0 10.0.0.1 10.0.0.2
(worker1, rank=1) no newline
(worker1, rank=1) setup 1 of 3
(worker2, rank=2) setup 2 of 3"
  is "a rank's own log" "$(ag logs $job --rank 1 | tr '\n' '|')" "setup 1 of 3|1/2 0 10.0.0.1 10.0.0.2|no newline"
  is "from an offset" "$(ag logs $job --rank 1 --offset 13 --follow | head -n 1)" "1/2 0 10.0.0.1 10.0.0.2"
  is "setup of one node" "$(ag logs $job --rank 2 --setup)" "setup 2 of 3"
  is "no such rank" "$(ag logs $job --rank 2 2>&1 | field code)" not_found
  ok "lines have the pid" grep -qE '^\(head, rank=0, pid=[1-9][0-9]*\) 0/2' "$work/gang"
  is "its end" "$(job_field $job status exit_codes nodes)" 'SUCCEEDED [0,0] [0,1]'
  submit g2 'echo $$ >p; sleep 300 & echo $! >p2; [ "$SKYPILOT_NODE_RANK" = 1 ] || wait; while [ ! -s ../../g2/sky_workdir/p2 ] || [ ! -s ../../g0/sky_workdir/p2 ]; do sleep 0.02; done; exit 7' num_nodes=3
  finish $job
  is "one rank fails: all end" "$(job_field $job status exit_code exit_codes)" 'FAILED 7 [137,7,137]'
  is "which it was" "$(job_field $job failed_rank failed_node failed_ip)" '1 1 10.0.0.2'
  is "is the log's last line" "$(ag logs $job | tail -n 1)" '[skytop] rank 1 on node 1 (10.0.0.2) failed with exit code 7; the other ranks were stopped'
  for h in g0 "g '1" g2; do until_ok gone "$(cat "$work/$h/sky_workdir/p2")" && printf 'gone '; done >"$work/gone"
  is "with all they started" "$(cat "$work/gone")" 'gone gone gone '
  # Any bytes, long lines, none mixed with another's, noise from the login shell. (For bash, which has the same tools, dash does it.)
  if [ $suite = bash ] && [ -d "$work/../dash-lost" ]; then
    gang_down
    return
  fi
  sed 's/sh -c$/sh "$NOISY"/' "$work/nodes" >"$dir/nodes"
  printf 'echo "Welcome"; echo "motd" >&2; printf "half a line"; eval "$1"\n' >"$work/noisy"
  NOISY=$work/noisy
  export NOISY
  submit bytes 'r=$SKYPILOT_NODE_RANK; awk -v r=$r "BEGIN { s = r; while (length(s) < 9000) s = s s; for (i = 0; i < 300; i++) print i % 9 ? \"short \" r : s;
    while (length(s) < 300000) s = s s; print \"big\" s; printf \"end\" r }"; printf "\\001\\377\\r\\200"' num_nodes=3
  ag logs $job --follow >"$work/bytes"
  for r in 0 1 2; do
    ag logs $job --rank $r >"$work/bytes.rank"
    # (a line of more than 256 KiB has several labels)
    LC_ALL=C sed -n "s/^([a-z0-9]*, rank=$r, pid=[0-9]*) //p" "$work/bytes" >"$work/bytes.$r"
    tr -d '\n' <"$work/bytes.rank" | md5sum
    tr -d '\n' <"$work/bytes.$r" | md5sum
  done | uniq | wc -l | tr -d ' ' >"$work/bytes.n"
  is "every byte of every rank is there" "$(cat "$work/bytes.n")" 3
  is "no line is mixed with another" "$(LC_ALL=C grep -cE '^\((head|worker[12]), rank=[012], pid=[0-9]+\) (short [012]|0+|1+|2+)$' "$work/bytes")" 903 # with what is left of the long ones
  gang_down
}

# Where a gang's jobs go, and how they end.
case_placed() {
  gang_up
  setup='[ "$SKYPILOT_SETUP_NODE_RANK" != 2 ] || exit 9'
  submit g3 'echo never >>"$gates/gang"' num_nodes=1
  finish $job
  is "setup fails on one node" "$(job_field $job status exit_code)" 'FAILED_SETUP 9'
  ok "run ran nowhere" no test -e "$gates/gang"
  submit g4 'echo $$ >p4; exec sleep 300' num_nodes=2 gpus=2
  job4=$job
  submit g5 'echo single' gpus=2
  is "a job of one node goes where there is room" "$(ag logs $job --follow | untag)" '(worker2, rank=0) single'
  until_ok test -s "$work/g '1/sky_workdir/p4"
  agj queue --all >/dev/null
  is "cancel a gang" "$(ag cancel $job4 | field status)" CANCELLED
  ok "everywhere" until_ok gone "$(cat "$work/g '1/sky_workdir/p4")"
  submit g6 'echo $$ >p6; exec sleep 300' num_nodes=3
  until_ok test -s "$work/g2/sky_workdir/p6"
  until_ok test -s "$work/g0/sky_workdir/p6"
  kill_driver
  is "the gang's driver killed" "$(job_field $job status)" FAILED_DRIVER
  ok "no rank goes on" until_ok gone "$(cat "$work/g2/sky_workdir/p6")"
  gang_down
}

# Nodes of a gang that are ill, or lost.
case_lost() {
  gang_up
  # A node that cannot begin.
  HOME=$work/g2 $shell "$agent" shutdown >/dev/null
  submit g8 'echo never >>"$gates/gang"' num_nodes=3
  finish $job
  is "a node that cannot start its part" "$(job_field $job status reason failed_node reason_text)" \
    'FAILED_DRIVER node 2 node 2 (10.0.0.3) cannot run its part of the job: this node was shut down; the other ranks were stopped'
  SKYTOP_BOOT_ID=b1 HOME=$work/g2 $shell "$agent" init --node-id x --rank 2 --gpus 2 --cpus 2 >/dev/null
  # A connection that breaks is made again, a node that was booted meanwhile is noticed.
  submit g9 "echo one; G=g9a; $gate_wait echo two; G=g9b; $gate_wait" num_nodes=3
  until_ok sh -c '[ "$(grep -c one "$1")" = 3 ]' x "$dir/jobs/$job/log"
  kill "$(cat "$dir/jobs/$job/gang/1.pid")"
  open_gate g9a
  ok "a channel that breaks is made again" until_ok sh -c '[ "$(grep -c two "$1")" = 3 ]' x "$dir/jobs/$job/log"
  is "no line is doubled" "$(grep -c one "$dir/jobs/$job/log")" 3
  # What the head knows of autostop, its workers do.
  ag autostop 30 --down --wait-for jobs >/dev/null
  ok "the head tells its workers its autostop" until_ok cmp -s "$dir/autostop" "$work/g2/.skytop/autostop"
  is "a worker is busy while a rank runs there" "$(HOME=$work/g2 $shell "$agent" status | field idle_reason)" rank
  ag autostop off >/dev/null
  ok "and that there is none any more" until_ok test ! -e "$work/g2/.skytop/autostop"
  echo "b2 $(cut -d ' ' -f 2 "$work/g2/.skytop/boot")" >"$work/g2/.skytop/boot"
  kill "$(cat "$dir/jobs/$job/gang/2.pid")"
  ok "a reboot of a worker is noticed" until_ok is_over $job
  is "and told" "$(job_field $job status reason failed_node)" 'FAILED_DRIVER restarted 2'
  open_gate g9b
  # A node that is away for good.
  SKYTOP_AGENT_TICK_S=0.4
  export SKYTOP_AGENT_TICK_S
  sed '$s/env.*/false/' "$work/nodes" >"$dir/nodes"
  submit g7 'echo never >>"$gates/gang"' num_nodes=3
  is "a node that cannot be reached is named" "$(ag logs $job --follow | grep -c '^\[skytop\] node 2 (10.0.0.3) did not answer')" 1
  is "in the job line, too" "$(job_field $job status reason failed_rank failed_ip)" 'FAILED_DRIVER unreachable 2 10.0.0.3'
  unset SKYTOP_AGENT_TICK_S
  ok "and nothing ran" no test -e "$gates/gang"
  cp "$work/nodes" "$dir/nodes"
  # A stop that is faster than the start it is for.
  home=$work/g2 dir=$work/g2/.skytop
  is "stop before start" "$(ag rank-stop late)" 'rank CANCELLED 137'
  is "is a stop" "$(ag rank-serve late 0 2>&1 >/dev/null | grep -c 'skytop: hello .* CANCELLED')" 1
  # Who looks at the node while a driver is on its way there must not give its part up.
  mkdir "$dir/ranks/young" && true >"$dir/ranks/young/log" && echo 'SETTING_UP -' >"$dir/ranks/young/state"
  ag status >/dev/null
  is "a part that is just being started is left alone" "$(cat "$dir/ranks/young/state")" 'SETTING_UP -'
  touch -d '2 minutes ago' "$dir/ranks/young/state" 2>/dev/null || touch -t 202001010000 "$dir/ranks/young/state"
  ag status >/dev/null
  is "one that never came is given up" "$(tail -n 1 "$dir/ranks/young/state")" 'FAILED_DRIVER -'
  home=$work/g0 dir=$work/g0/.skytop
  gang_down
}

case_autostop() {
  SKYTOP_AGENT_GRACE_MS=0 SKYTOP_AGENT_SLOW_S=0
  export SKYTOP_AGENT_GRACE_MS SKYTOP_AGENT_SLOW_S
  node auto
  printf '#!/bin/sh\necho "hook $1" >>"$HOME/hook"\n' >"$dir/on_autostop"
  chmod +x "$dir/on_autostop"
  submit a1 'G=a1; '"$gate_wait"
  is "set" "$(agj autostop 0 --down --wait-for jobs)" \
    '{"type":"autostop","autostop":{"minutes":0,"down":true,"wait_for":"jobs","gpu_below":10,"gpu_for":300}}'
  is "not idle while a job runs" "$(agj status | field idle_since) $(ag status | field idle_reason)" 'null job'
  ok "no stop while a job runs" no test -e "$home/hook"
  open_gate a1
  ok "the engine is silent, the node idle: it stops itself" until_ok test -s "$home/hook"
  is "as it was told" "$(cat "$home/hook")" 'hook down'
  ok "and says so" no test "$(agj status | field autostopped_at)" = null
  cat >"$work/hook" <<'HOOK'
echo "before $SKYTOP_HOOK_EVENT" >>"$HOME/hook"
[ ! -e "$HOME/late" ] || exec sleep 300
exit 3
HOOK
  agj autostop 0 --wait-for jobs --hook-file "$work/hook" --hook-timeout 1 >/dev/null
  ok "what the user wants done before" until_ok grep -q 'hook stop' "$home/hook"
  is "is done before" "$(tail -n 2 "$home/hook" | tr '\n' ' ')" 'before stop hook stop '
  is "on demand, too" "$(agj run-hook down)" '{"type":"hook","ran":true,"exit_code":3,"timed_out":false}'
  : >"$home/late"
  is "not for ever" "$(agj run-hook)" '{"type":"hook","ran":true,"exit_code":137,"timed_out":true}'
  is "off" "$(agj autostop off) $(agj status | field autostop)" '{"type":"autostop","autostop":null} null'
  is "wrong" "$(ag autostop soon | field code) $(ag autostop 5 --wait-for x | field code)" 'usage usage'
  unset SKYTOP_AGENT_GRACE_MS SKYTOP_AGENT_SLOW_S

  # Idleness: people's sessions, and GPUs that something else uses.
  SKYTOP_AGENT_SESSIONS=own ag init --node-id auto >/dev/null
  idle() { agj status | sed 's/.*"idle_since":\([^,]*\),"idle_reason":\([^,]*\),"gpu_idle_since":\([^,]*\),"ssh_sessions":\([^,]*\),.*/\1 \2 \3 \4/; s/[0-9]\{13\}/T/g'; }
  is "idle" "$(idle)" 'T null null 0'
  : >"$dir/sessions/$$"
  is "a session" "$(idle)" 'null "ssh" null 1'
  echo 1 >"$dir/sessions/$$"
  is "the session of a process that had the same number" "$(idle)" 'T null null 0'
  mkdir -p "$work/smi"
  printf '#!/bin/sh\ncase $* in *=index,name*) echo "0, Fake, $(cat "%s"), 1, 2" ;; esac\n' "$work/smi/util" >"$work/smi/nvidia-smi"
  chmod +x "$work/smi/nvidia-smi"
  PATH=$work/smi:$PATH
  echo 50 >"$work/smi/util"
  is "a busy GPU" "$(idle)" 'null "gpu" null 0'
  echo 9 >"$work/smi/util"
  is "not for long enough below the threshold" "$(idle)" 'null "gpu" T 0'
  ag autostop 60 --gpu-for 0 >/dev/null
  is "long enough" "$(idle)" 'T null T 0'
  ag autostop 60 --gpu-for 0 --gpu-below 9 >/dev/null
  is "another threshold" "$(idle)" 'null "gpu" null 0'
  ag autostop 60 --wait-for jobs >/dev/null
  is "nothing but jobs" "$(idle)" 'T null T 0'
  PATH=${PATH#*:}
  ag autostop off >/dev/null

  bundle p1 'trap "" TERM; echo run; G=p1; '"$gate_wait"
  echo 'echo "saving $SKYPILOT_NODE_RANK in $(pwd)" >saved; echo hooked' >"$dir/inbox/p1/hook_preemption"
  agj submit p1 >/dev/null
  until_ok grep -q run "$dir/jobs/2/log"
  ok "preemption is told" no test "$(agj preempt | field preempted_at)" = null
  is "the hook ran in the job's place" "$(cat "$home/sky_workdir/saved")" "saving 0 in $home/sky_workdir"
  rm "$home/sky_workdir/saved"
  ag preempt >/dev/null
  ok "only once" no test -e "$home/sky_workdir/saved"
  open_gate p1
  is "its words are in the log" "$(ag logs 2 --follow | tr '\n' '|')" 'run|hooked|'
  ag shutdown >/dev/null
}

# All JSON that was printed is JSON.
case_json() {
  if ! command -v python3 >/dev/null 2>&1; then
    echo "ok every line is JSON # SKIP there is no python3 here"
    return
  fi
  python3 - "$work/json" <<'PY' >"$work/json.out" 2>&1
import json, sys
n = 0
for line in open(sys.argv[1], "rb"):
    value = json.loads(line.decode("utf-8"))
    assert "error" in value or "type" in value, line
    n += 1
assert n > 10, n
PY
  ok "every line is JSON" test $? = 0
  sed 's/^/# /' "$work/json.out"
}

for c in $4; do
  case_$c
  [ ! -e "$work/openers" ] || close_gates
  [ -z "${SUITE_TIMES:-}" ] || { echo "# $c"; times; } # how long they take: run test_agent.sh with SUITE_TIMES=1
done
echo '# complete'
