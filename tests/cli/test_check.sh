#!/bin/sh
# `skytop check`: found, missing, broken; where; what to do; never a secret.
. "${top_srcdir:-.}/tests/cli/tap.sh"
unset $(env | sed -n 's/^\(\(AWS\|AZURE\|GOOGLE\|CLOUDSDK\|OCI\|NEBIUS\|IBMCLOUD\|LAMBDA\|RUNPOD\|VAST\|KUBECONFIG\)[A-Z_]*\)=.*/\1/p') 2>/dev/null

sky check
ok "nothing here" test "$status" = 0
ok "this machine needs none" contains "$out" "local"
ok "what is missing is named" contains "$err" "clouds without credentials: aws, gcp, azure"
sky check aws
ok "a cloud without credentials ends with 4" test "$status" = 4
ok "what to do" contains "$out" "aws configure"
ok "nothing is launched without keys" test "$(printf '%s\n' "$out" | awk '$1 == "aws" {print $2, $3; exit}')" = "missing no"
ok "where it was looked for" contains "$out" "~/.aws/credentials"
sky check aws/us-east-1
ok "a place in a cloud is its cloud" test "$status" = 4
sky check asw
ok "a slip" test "$status" = 2
ok "a slip: the right word" contains "$err" "did you mean 'aws'?"
sky check local
ok "local is there" test "$status" = 0

# What the settings switch off.
sky config set local.enabled false
sky check local
ok "local can be switched off" contains "$out" "off"
sky check local --json
ok "JSON: switched off" contains "$out" '"switched_off": true'
ok "JSON: not enabled" contains "$out" '"enabled": false'
sky config unset local.enabled
sky config set clouds gcp,local
sky check aws local gcp --json
ok "a cloud that is not listed is off" test "$(printf '%s\n' "$out" | grep -c '"switched_off": true')" = 1
sky config unset clouds
sky check --json
ok "sim is not spoken of" lacks "$out" '"sim"'
sky config set sim.enabled true
sky check sim
ok "unless it was asked for" test "$status" = 0
sky config unset sim.enabled

mkdir -p "$HOME/.aws" "$HOME/.config/gcloud" "$HOME/.runpod" "$HOME/.lambda_cloud" "$HOME/.kube"
printf '[default]\naws_access_key_id = AKIAVERYSECRET\naws_secret_access_key = VERYSECRET\n' >"$HOME/.aws/credentials"
echo VERYSECRET >"$HOME/.vast_api_key"
printf 'x' >"$HOME/.config/gcloud/credentials.db"
: >"$HOME/.runpod/config.toml"
echo 'token = VERYSECRET' >"$HOME/.lambda_cloud/lambda_keys"
mkdir "$HOME/.kube/config"
sky check --offline
ok "found" contains "$out" "aws"
ok "one look is enough" lacks "$err" "credentials: aws"
ok "not yet launching is said" contains "$err" "comes with that cloud's provider"
ok "what is no store of gcloud" contains "$out" "gcloud auth application-default login"
ok "an empty file" contains "$out" "~/.runpod/config.toml: it is empty"
ok "a file without its key" contains "$out" "~/.lambda_cloud/lambda_keys: there is no api_key in it"
ok "a folder for a file" contains "$out" "~/.kube/config"
sky check --offline -v
ok "every place" contains "$out" "AWS_WEB_IDENTITY_TOKEN_FILE"
ok "no secret is told" lacks "$out$err" VERYSECRET
sky check --offline aws
ok "found ends with 0" test "$status" = 0
ok "found launches" test "$(printf '%s\n' "$out" | awk '$1 == "aws" {print $2, $3; exit}')" = "found yes"
sky check --offline aws gcp
ok "one of two is not enough" test "$status" = 4
sky check --offline --json aws
ok "JSON: found" contains "$out" '"credentials": "found"'
ok "JSON: can launch" contains "$out" '"can_launch": true'
sky check --json vast
ok "JSON: cannot launch" contains "$out" '"can_launch": false'
ok "JSON: no secret" lacks "$out" VERYSECRET
export AWS_ACCESS_KEY_ID=AKIAVERYSECRET
rm "$HOME/.aws/credentials"
sky check --offline aws
ok "half of a pair is not enough" test "$status" = 4
export AWS_SECRET_ACCESS_KEY=VERYSECRET
sky check --offline aws
ok "variables" test "$status" = 0
ok "variables are named, not told" contains "$out" '$AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY'
ok "variables are not told" lacks "$out$err" VERYSECRET
mkdir -p "$tmp/elsewhere"
echo 'fingerprint=aa' >"$tmp/elsewhere/oci"
export OCI_CLI_CONFIG_FILE="$tmp/elsewhere/oci"
sky check --offline oci
ok "a file that a variable names" test "$status" = 0
sky check --offline --names
ok "names alone" contains "$(echo $out)" "local aws gcp azure"

done_testing
