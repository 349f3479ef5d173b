#!/bin/sh
# `skytop offers` and `skytop catalog`: over the prices that come with skytop, and over a small list whose tables are known.
. "${top_srcdir:-.}/tests/cli/tap.sh"

# --- what comes with skytop ---
sky offers
ok "without a filter: the common GPUs" contains "$out" "H100 "
ok "with quantities and clouds" contains "$out" "QUANTITIES"
ok "the figures have a date and sources" contains "$err" "Figures of 20"
sky gpus list
ok "gpus list is the same" test "$status" = 0 -a "$(printf %s "$out" | head -n 1 | cut -c 1-3)" = GPU
sky show-gpus H100:8
ok "show-gpus H100:8" contains "$out" "p5.48xlarge"
ok "and nothing else" test -z "$(printf '%s\n' "$out" | tail -n +2 | grep -v '^H100 *8 ')"
sky offers A10
ok "a name is that GPU alone" test -z "$(printf '%s\n' "$out" | tail -n +2 | grep -v '^A10 ')"
sky offers cloud:aws 'price<0.05' --json
ok "JSON" contains "$out" '"price_uusd_h": '
ok "nothing beside it on stderr" test -z "$err"
sky offers --group
ok "--group lists all accelerators" contains "$out" "RTX4090"
sky offers
ok "which are more than the common ones" lacks "$out" "GTX1080Ti"

# --- a list of our own, and no other prices ---
mkdir -p "$tmp/share" "$tmp/lists/aws" "$tmp/lists/vast"
export SKYTOP_SHARE="$tmp/share" SKYTOP_HOME="$tmp/own"
sky offers
ok "no prices at all: said, with the files" contains "$err" "snapshot.db"
ok "no prices at all: status" test "$status" != 0
head="InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone"
cat >"$tmp/lists/aws/vms.csv" <<EOF
$head
p5.48xlarge,H100,8,192,2048,,55.04,26.42,us-east-1,us-east-1a
p5.48xlarge,H100,8,192,2048,,55.04,20.5,us-east-1,us-east-1b
p5.48xlarge,H100,8,192,2048,,60,,eu-west-1,eu-west-1a
g5.xlarge,A10G,1,4,16,,1.006,0.3,us-east-1,us-east-1a
m6i.large,,,2,8,,0.096,0.03,us-east-1,us-east-1a
odd,T4,one,2,8,,0.5,,us-east-1,us-east-1a
EOF
printf '%s\n' "$head" '1x,RTX 4090,1,8,64,,0.3201,,", US, NA",' '2x,RTX4090,2,16,128,,,0.5,,' >"$tmp/lists/vast/vms.csv"
sky catalog import "$tmp/lists"
ok "more than a tenth bad lines: refused" contains "$err" "aws: refused"
ok "with the line" contains "$err" "aws/vms.csv:7: AcceleratorCount is 'one'"
ok "the others are taken, status 1" test "$status" = 1 -a "$(printf '%s\n' "$out" | grep -c taken)" = 1
for i in 1 2 3 4 5; do echo "m6i.xlarge,,,4,16,,0.192,0.0$i,us-east-1,us-east-1$i" >>"$tmp/lists/aws/vms.csv"; done
sky catalog import "$tmp/lists" --json
ok "one bad line of eleven: skipped" test "$status" = 0
ok "and counted" contains "$out" '"skipped": 1'

sky offers --limit 0
expected="GPU      N  CLOUD  INSTANCE     REGION     GPU GB  vCPU  RAM GB     \$/h  \$/GPU/h  SPOT \$/h  SAVE  RECLAIM
RTX4090  1  vast   1x           US, NA         24     8      64  0.3201   0.3201         -     -        -
A10G     1  aws    g5.xlarge    us-east-1      24     4      16    1.01     1.01    0.3000   70%        -
H100     8  aws    p5.48xlarge  us-east-1      80   192    2048   55.04     6.88     26.42   52%        -
-        -  aws    m6i.large    us-east-1       -     2       8  0.0960        -    0.0300   69%        -
-        -  aws    m6i.xlarge   us-east-1       -     4      16  0.1920        -    0.0100   95%        -
RTX4090  2  vast   2x           -              24    16     128       -        -    0.5000     -        -"
ok "the cheapest of each instance type" test "$out" = "$expected"
ok "and how many there are" contains "$err" "12 offers match"
sky offers H100 --all
expected="GPU   N  CLOUD  INSTANCE     ZONE        GPU GB  vCPU  RAM GB    \$/h  \$/GPU/h  SPOT \$/h  SAVE  RECLAIM
H100  8  aws    p5.48xlarge  us-east-1a      80   192    2048  55.04     6.88     26.42   52%        -
H100  8  aws    p5.48xlarge  us-east-1b      80   192    2048  55.04     6.88     20.50   63%        -
H100  8  aws    p5.48xlarge  eu-west-1a      80   192    2048  60.00     7.50         -     -        -"
ok "--all: every zone" test "$out" = "$expected"
sky offers H100 --all-regions
ok "--all-regions: two" test "$(printf '%s\n' "$out" | wc -l)" = 3
sky offers H100 --spot
ok "--spot: the cheapest as spot" contains "$out" "20.50"
ok "--spot: what is not sold so is not there" lacks "$out" "eu-west-1"
sky offers --sort=-price -n 1
ok "--sort downwards" contains "$out" "p5.48xlarge"
sky offers --clouds vast --csv
ok "CSV, where a region without its city keeps its comma" test "$out" = "gpu,count,cloud,instance_type,region,zone,gpu_memory_gib,vcpus,memory_gib,arch,price,price_per_gpu,spot_price,spot_estimated,reclaim_percent,source,as_of,stale,available
RTX4090,1,vast,1x,\", US, NA\",,24,8,64,,0.3201,0.3201,,,,imported price list,$(date -u +%Y-%m-%d),false,
RTX4090,2,vast,2x,,,24,16,128,,,,0.5,false,,imported price list,$(date -u +%Y-%m-%d),false,"
sky offers '!gpu:*' 'vcpu>=4' --json
ok "JSON: unknown is null, none is 0" contains "$out" '"accelerator_count": 0'
ok "how many of how many" contains "$out" '"matched": 5'
sky offers RTX4090 --group --json
ok "groups in JSON" contains "$out" '"quantities": ['
sky offers --infra aws/eu-west-1
ok "--infra" test "$(printf '%s\n' "$out" | wc -l)" = 2
sky offers --region 'us-*' -q
ok "--region with *" test "$(printf '%s\n' "$out" | wc -l)" = 5
ok "-q: no notes" test -z "$err"

# --- wrong questions ---
sky offers H1000
ok "nothing found: 3" test "$status" = 3
ok "with the nearest name" contains "$err" "did you mean 'H100'?"
sky offers H1000 --json
ok "nothing found in JSON: an empty list, and 3" test "$status" = 3 -a -n "$(printf %s "$out" | grep '"offers": \[\]')"
sky offers clod:aws
ok "a slip in a field: 2" test "$status" = 2
ok "a slip in a field gets the right one" contains "$err" "column 1: there is no field 'clod'; did you mean 'cloud'?"
sky offers 'price<'
ok "half a comparison: 2" test "$status" = 2
sky offers --sort prize
ok "a slip in a key: 2" test "$status" = 2
ok "a slip in a key gets the right one" contains "$err" "did you mean 'price'?"
sky offers --limit x
ok "a limit that is no number: 2" test "$status" = 2
sky offers --infra nowhere/x
ok "a cloud that is not known: 2" test "$status" = 2
sky offers "$(printf '%01100d' 0)"
ok "a filter that is too long: 2" test "$status" = 2

# --- the catalog itself ---
sky catalog path
path=$out
ok "catalog path" test "$path" = "$tmp/own/cache/catalog.db" -a -f "$path"
sky catalog status
ok "catalog status" contains "$out" "imported price list"
ok "with the file" contains "$err" "$path"
sky catalog
ok "catalog alone is status" contains "$out" "imported price list"
sky catalog status --json
ok "catalog status in JSON" contains "$out" '"offers": 12'
sky catalog import "$tmp/nowhere"
ok "a folder that is not there: 1" test "$status" = 1
sky catalog import "$tmp/share"
ok "a folder without lists: 1" test "$status" = 1
ok "a folder without lists: what was looked for" contains "$err" "CLOUD/vms.csv"
sky catalog import "$tmp/lists" --as-of yesterday
ok "--as-of wants a date: 2" test "$status" = 2
sky catalog import "$tmp/lists/aws" --as-of 2026-01-02
ok "one cloud's folder" test "$status" = 0
sky catalog status
ok "--as-of" contains "$out" "2026-01-02"

# Damage: the old file is kept, the program goes on.
unset SKYTOP_SHARE
echo garbage >"$path"
sky offers H100
ok "a damaged catalog: goes on with the prices of skytop" contains "$out" "hyperbolic"
ok "a damaged catalog: says so" contains "$err" "catalog.db.corrupt-20"
ok "a damaged catalog: is kept" grep -q garbage "$path".corrupt-*
sky offers H100
ok "and only once" lacks "$err" "damaged"

# Filters with names, shared with the screen; and clouds whose offers no catalog has.
sky offers h100 'n>=8' --save 'big ones' -n 1
ok "--save" test "$status" = 0
ok "--save: in a file for people" test "$(cat "$SKYTOP_HOME/config/filters")" = "$(printf 'big ones\t%s' 'gpu:"h100" n>=8')"
sky offers --saved 'big ones' cloud:aws --json
ok "--saved, with more" contains "$out" '"p5.48xlarge"'
sky offers --saved 'small ones'
ok "--saved: not there" test "$status" = 2
ok "--saved: which there are" contains "$err" "there are big ones"
sky offers 'clowd:x' --save wrong
ok "--save: a filter that is wrong is not kept" test "$status" = 2 -a "$(wc -l <"$SKYTOP_HOME/config/filters")" = 1
sky offers h100 --forget 'big ones' -n 1
ok "--forget" test ! -s "$SKYTOP_HOME/config/filters"

# --- what is free now, which the engine is asked for ---
trap '"$SKYTOP" engine stop >/dev/null 2>&1; rm -rf "$tmp"' EXIT
sky offers cloud:aws
ok "a cloud of the catalog needs no engine" test ! -e "$SKYTOP_HOME/state/engine.log"
sky offers --infra local
ok "--infra local: this machine" contains "$out" "local  local"
ok "--infra local: free now" contains "$(printf '%s\n' "$out" | tail -n 1)" "yes"
ok "--infra local: of now" contains "$err" "local: what is free now"
sky offers cloud:aws,local --json
ok "beside the catalog's" contains "$out" '"p5.48xlarge"'
ok "beside the catalog's: available" contains "$out" '"available": "yes"'
ok "JSON: nothing beside it" test -z "$err"
sky offers cloud:ssh
ok "cloud:ssh without a pool" test "$status" = 3 -a -z "$out"
ok "cloud:ssh without a pool: where they come from" contains "$err" "ssh_pools.yaml"
sky offers cloud:sim
ok "what is not enabled" contains "$err" "skytop check sim says why"
done_testing
