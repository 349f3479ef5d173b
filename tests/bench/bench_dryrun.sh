#!/bin/sh
# `skytop launch --dryrun` as whole commands, from exec to exit, over 140,000 offers: the median of many runs. Where the price
# lists lie beside the project (../shared/catalog, or $SKYTOP_SHARED/catalog), over these as well: machines and prices of aws,
# azure, gcp and others as they are.
set -u
: "${SKYTOP:?}" "${top_builddir:?}" "${top_srcdir:?}"
spawn=$top_builddir/tests/bench/spawn
home=$(mktemp -d) || exit 1
export SKYTOP_HOME="$home"
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
failed=0

row() { # NAME CLOUDS TASK [BAR]
  printf '%s\n' "$3" >"$home/task.yaml"
  if took=$("$spawn" 50 "$SKYTOP" launch "$home/task.yaml" --dryrun --json --clouds "$2"); then
    printf 'launch --dryrun: %s\t%s\tms\t%s\n' "$1" "${took%%	*}" "${4:-50}"
  else
    failed=1
  fi
}

gpus='run: x
resources: {accelerators: "T4:8"}'
some='run: x
resources: {accelerators: {A100: 8, H100: 8, L4: 8, V100: 8}, any_of: [{use_spot: true}, {use_spot: false}]}'
cpus='run: x
resources: {cpus: 2+}'

"$top_builddir/tests/bench/bench_catalog" --lists "$home/lists" || exit 1
"$SKYTOP" catalog import "$home/lists" >/dev/null 2>&1 || exit 1
row "T4:8 among 140,000 offers" aws,azure,oci "$gpus"
row "any_of 4 GPUs, spot or not, among 140,000 offers" aws,azure,oci "$some"

lists=${SKYTOP_SHARED:-$top_srcdir/../shared}/catalog
if [ -f "$lists/aws/vms.csv" ] && "$SKYTOP" catalog import "$lists" >/dev/null 2>&1; then
  all=aws,azure,gcp,lambda,vast,nebius
  row "A100:8, real lists" $all 'run: x
resources: {accelerators: "A100:8"}'
  row "any_of 4 GPUs, spot or not, real lists" $all "$some"
  row "cpus 2+, real lists" $all "$cpus"
  row "aws, azure and gcp, 4 GPUs, spot or not, zone by zone" aws,azure,gcp "$some" 100
fi
exit $failed
