#!/bin/sh
# launch --dryrun --clouds: plans from prices alone, as people and as scripts see them; no engine is started for it.
. "${top_srcdir:?}/tests/cli/tap.sh"

mkdir -p "$tmp/lists/aws" "$tmp/lists/lambda" "$tmp/lists/gcp"
head='InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone'
cat >"$tmp/lists/aws/vms.csv" <<END
$head
p5.48xlarge,H100,8,192,2048,,55.04,17.5,us-east-1,us-east-1a
p5.48xlarge,H100,8,192,2048,,55.04,16.5,us-east-1,us-east-1b
p5.48xlarge,H100,8,192,2048,,60,,eu-west-1,eu-west-1a
m6i.2xlarge,,,8,32,,0.384,0.15,us-east-1,us-east-1a
m6i.2xlarge,,,8,32,,0.428,0.16,eu-west-1,eu-west-1a
END
cat >"$tmp/lists/lambda/vms.csv" <<END
$head
gpu_8x_h100_sxm5,H100,8,208,1800,,23.92,,us-east-1,
gpu_1x_a10,A10,1,30,200,,0.75,,us-east-1,
END
cat >"$tmp/lists/gcp/vms.csv" <<END
$head
a3-highgpu-8g,,,208,1872,,10,4,us-central1,us-central1-a
,H100,8,,,,78.4482,28,us-central1,us-central1-a
END
sky catalog import "$tmp/lists"
ok "prices are there" test "$status" = 0

task() { # LINES OF RESOURCES
  printf 'name: t\nrun: x\nresources:\n%s\n' "$1" >"$tmp/task.yaml"
}
all=aws,gcp,lambda

task '  accelerators: H100:8'
sky launch "$tmp/task.yaml" --dryrun --clouds "$all"
ok "a plan" test "$status" = 0
ok "where, and for how much" contains "$out" "Plan: 1 node at Lambda (us-east-1), \$23.92/h"
ok "the chosen one is marked" contains "$(echo "$out" | grep '✔')" "gpu_8x_h100_sxm5"
ok "one row a cloud" test "$(echo "$out" | grep -c 'H100:8')" = 3
ok "in the order of prices" contains "$(echo $out)" "23.92 ✔ AWS (us-east-1) p5.48xlarge 192 2048 H100:8 55.04 Google"
ok "sources and ages of prices" contains "$out" "Price from: "
ok "nothing else is said" test -z "$err"
ok "no engine was started" test ! -e "$SKYTOP_HOME/run"

sky launch "$tmp/task.yaml" --dryrun --clouds "$all" --use-spot --num-nodes 2
ok "spot: a zone" contains "$out" "2 nodes at AWS (us-east-1b), \$33.00/h"

sky launch "$tmp/task.yaml" --dryrun --clouds "$all" --json
ok "json: a plan" contains "$(echo $out)" '"plan": [ { "task": "t", "provider": "lambda", "instance_type": "gpu_8x_h100_sxm5", "region": "us-east-1", "zone": null, "use_spot": false, "accelerators": { "H100": 8 }, "num_nodes": 1, "price_uusd_h": 23920000, "total_uusd_h": 23920000,'
ok "json: the candidates" contains "$(echo $out)" '"candidates": [ [ { "task": "t",'

task '  cpus: 4+'
sky launch "$tmp/task.yaml" --dryrun --clouds "$all"
ok "no GPU where none is asked for" contains "$out" "AWS (us-east-1), \$0.3840/h"
sky launch "$tmp/task.yaml" --dryrun --clouds lambda
ok "unless there is nothing else" contains "$out" "Lambda (us-east-1), \$0.7500/h"

# Refusals: a status, and words that help.
task '  accelerators: A100:8'
sky launch "$tmp/task.yaml" --dryrun --clouds "$all"
ok "not offered: 3" test "$status" = 3
ok "not offered: what was asked, among which" contains "$err" "no offer fits 8x A100, with these clouds enabled: aws, gcp, lambda"
ok "nothing on stdout" test -z "$out"
sky launch "$tmp/task.yaml" --dryrun --clouds "$all" --json
ok "the same for scripts" contains "$(echo $out)" '"error": { "code": "no_resource",'
ok "with what was found" contains "$out" '"nearest"'
task '  accelerators: H100:8'
sky launch "$tmp/task.yaml" --dryrun --clouds gcp
gcp=$status
sky launch "$tmp/task.yaml" --dryrun --clouds lambda --use-spot
ok "no spot there: 3" test "$status" = 3
ok "which requirement" contains "$err" "on demand, in place of spot, there is 1 offer, the cheapest lambda"
ok "who has it" contains "$(echo "$err" | grep 'offers exist at')" "aws \$16.50/h"
sky launch "$tmp/task.yaml" --dryrun --clouds lambda --max-hourly-cost 20
ok "over the price cap: 5" test "$status" = 5
ok "the cheapest" contains "$err" "the cheapest costs \$23.92/h"
sky launch "$tmp/task.yaml" --dryrun --clouds gcp --max-hourly-cost 20
ok "google GPUs are shown over the cap" test "$status" = "$gcp"
ok "with a warning" contains "$err" "over max_hourly_cost"
ok "and marked" contains "$out" "88.45"

# The command line.
sky launch "$tmp/task.yaml" --dryrun --clouds aws,gpc
ok "no such cloud: 2" test "$status" = 2
ok "the nearest" contains "$err" "there is no cloud 'gpc'; did you mean 'gcp'?"
sky launch "$tmp/task.yaml" --dryrun --clouds ,
ok "no cloud at all: 2" test "$status" = 2
sky launch "$tmp/task.yaml" --dryrun --clouds ' AWS , lambda,aws' --minimize time
ok "blanks, capitals, twice" test "$status" = 0
sky launch "$tmp/task.yaml" --dryrun --clouds aws --minimize fun
ok "minimize what: 2" test "$status" = 2
sky launch "$tmp/nothing.yaml" --dryrun --clouds aws
ok "no such file: not 0" test "$status" != 0

# Several tasks.
cat >"$tmp/chain.yaml" <<'END'
name: chain
---
name: prepare
run: x
resources: {cpus: 8}
outputs: {"s3://b/x": 500}
---
name: train
run: x
resources: {accelerators: "H100:8"}
END
sky launch "$tmp/chain.yaml" --dryrun --clouds "$all"
ok "a chain: data stays where it is" contains "$out" "Task train: 1 node at AWS (us-east-1)"
sed 's/500/5/' "$tmp/chain.yaml" >"$tmp/small.yaml"
sky launch "$tmp/small.yaml" --dryrun --clouds "$all"
ok "a chain: little data goes where it is cheaper" contains "$out" "Task train: 1 node at Lambda (us-east-1)"
ok "what moving it costs" contains "$out" "Data: 5 GB from aws us-east-1 to lambda us-east-1"

# What is said about being idle, without when, would be nothing.
sky launch "$tmp/task.yaml" --dryrun --clouds "$all" --wait-for jobs
ok "--wait-for alone is wrong" test "$status" = 2 -a -z "$out"
ok "--wait-for alone: what to add" contains "$err" "add -i MINUTES, or --down"
sky start nobody --wait-for jobs
ok "start --wait-for alone" contains "$err" "add -i MINUTES"
ok "start --wait-for alone is wrong" test "$status" = 2

# This machine.
task '  cpus: 1+'
sky launch "$tmp/task.yaml" --dryrun --clouds local
ok "this machine" contains "$out" "this machine (local), \$0.00/h"

done_testing
