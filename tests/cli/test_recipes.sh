#!/bin/sh
# `skytop recipes`: the list, one recipe, a copy, your own; and the CPU training recipe really trains and resumes.
. "${top_srcdir:-.}/tests/cli/tap.sh"

sky recipes --names
names=$out
ok "the recipes that the issue of the day needs" test "$(echo $names)" = "deepseek-r1 hello llama-3.2 mnist train-cpu vllm"
sky recipes
ok "the list" contains "$out" "Train a model on the CPU"
sky recipes --json
ok "in JSON" contains "$out" '"name": "train-cpu"'
for name in $names; do
  sky recipes "$name"
  cmp -s "$tmp/out" "$top_srcdir/share/recipes/$name.yaml"
  ok "$name is shown as it is" test $? = 0
  sky recipes "$name" --json
  ok "$name has a title" lacks "$out" '"title": ""'
  ok "$name says what it needs" lacks "$out" '"needs": ""'
done
sky recipes train_cpu
ok "a slip in a name" test "$status" = 1
ok "a slip in a name gets the right one" contains "$err" "did you mean 'train-cpu'?"
sky recipes --copy x.yaml
ok "a copy of what?" test "$status" = 2

sky recipes hello --copy "$tmp/mine.yaml"
cmp -s "$tmp/mine.yaml" "$top_srcdir/share/recipes/hello.yaml"
ok "a copy" test $? = 0
echo changed >"$tmp/mine.yaml"
sky recipes vllm --copy "$tmp/mine.yaml"
ok "never over a file" test "$status" = 1 -a "$(cat "$tmp/mine.yaml")" = changed
mkdir "$tmp/dir"
sky recipes vllm --copy "$tmp/dir"
ok "into a folder" test -f "$tmp/dir/vllm.yaml"
sky recipes vllm --copy "$tmp/no/such/folder/x.yaml"
ok "into a folder that is not there" test "$status" = 1
ok "which is named" contains "$err" "$tmp/no/such/folder"

# Your own.
mkdir -p "$SKYTOP_HOME/config/recipes"
printf '# Mine.\nrun: echo mine\n' >"$SKYTOP_HOME/config/recipes/hello.yaml"
printf 'run: echo other\n' >"$SKYTOP_HOME/config/recipes/bare.yaml"
echo no >"$SKYTOP_HOME/config/recipes/notes.txt"
sky recipes hello
ok "a recipe of your own goes first" contains "$out" "echo mine"
sky recipes --names
ok "and others are listed too" test "$(echo $out)" = "bare deepseek-r1 hello llama-3.2 mnist train-cpu vllm"
dd if=/dev/zero of="$SKYTOP_HOME/config/recipes/big.yaml" bs=1024 count=1100 2>/dev/null
sky recipes
ok "a file too large is named" contains "$err" "big.yaml"
rm "$SKYTOP_HOME/config/recipes/big.yaml"
SKYTOP_SHARE=$tmp/empty HOME=$tmp/nobody SKYTOP_HOME=$tmp/nothing sky recipes
ok "no recipes at all" test "$status" = 1
ok "no recipes at all: where" contains "$err" "$tmp/empty/recipes"

# The training recipe: its run block is lifted out as YAML does it, and run as a node would.
sed -n '/^run: |/,$p' "$top_srcdir/share/recipes/train-cpu.yaml" | sed -e 1d -e 's/^  //' >"$tmp/train.sh"
train() {
  env HOME="$tmp/node" EPOCHS="$1" SAMPLES=2000 LEARNING_RATE=0.01 CHECKPOINT_DIR='~/ckpt' sh "$tmp/train.sh" >"$tmp/out" 2>"$tmp/err"
  status=$?
  out=$(cat "$tmp/out")
  err=$(cat "$tmp/err")
}
mkdir "$tmp/node"
train 3
ok "training ends well" test "$status" = 0
ok "from zero" contains "$out" "starting from zero"
ok "three epochs" contains "$out" "epoch 3  loss 0.0"
first=$(cat "$tmp/node/ckpt/last")
train 5
ok "it resumes" contains "$out" "resuming after epoch 3: ${first#3 }"
ok "and goes on" contains "$out" "trained for 5 epochs"
ok "without doing an epoch again" lacks "$out" "epoch 3  loss"
ok "the truth is found" contains "$(cut -d ' ' -f 3 "$tmp/node/ckpt/last")" "2.9"

done_testing
