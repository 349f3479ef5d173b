#!/bin/sh
# `skytop screen` without a terminal: --once prints a view as text; everything else is refused in words.
. "${top_srcdir:-.}/tests/cli/tap.sh"

widest() { printf '%s\n' "$out" | awk '{ if (length($0) > w) w = length($0) } END { print w + 0 }'; }
lines() { printf '%s\n' "$out" | wc -l; }

sky --once --size 120x20 --filter 'h100 n>=8 cloud:aws'
ok "--once: status" test "$status" = 0
ok "so many lines" test "$(lines)" = 20
ok "the filter is shown" contains "$out" "/h100 n>=8 cloud:aws"
ok "what it finds" contains "$out" "p5.48xlarge"
ok "and nothing else" lacks "$out" "lambda"
ok "how many of how many" contains "$out" "offers · prices"
ok "nothing beside it" test -z "$err"
sky screen off --once --size 100x12
ok "a view by the beginning of its name" contains "$out" "All offers"
sky screen clusters --once --size 80x24
ok "clusters without an engine: said" contains "$out" "no engine runs"
ok "and none was started" test ! -e "$SKYTOP_HOME/run/engine.sock"
for view in clusters jobs managed services logs cost metrics activity recipes; do
  sky screen $view --once --size 80x24
  if [ "$status" != 0 ] || [ "$(lines)" != 24 ]; then break; fi
done
ok "every view as text" test "$view" = recipes -a "$(lines)" = 24
sky --once logs
ok "80x24 when nothing says otherwise" test "$(lines)" = 24

LC_ALL=C sky --once --size 80x24
ok "C locale: ASCII alone" test -z "$(LC_ALL=C tr -d '\000-\177' <"$tmp/out")"
ok "C locale: no wider than asked" test "$(widest)" -le 80
for size in 1x1 5x3 19x4 20x4 40x10 400x120; do
  sky --once --size $size
  ok "--size $size" test "$status" = 0 -a "$(lines)" -le "${size#*x}"
done

sky --once --size 80
ok "a size that is none: status" test "$status" = 2
ok "and why" contains "$err" "--size takes columns and rows"
sky screen logz
ok "a view that is none: status" test "$status" = 2
sky --once logz
ok "a view that is none: which there are" contains "$err" "there are offers, clusters, jobs, managed, services, logs, cost, metrics, activity, recipes"
sky --once --filter 'clowd:aws'
ok "a filter that is none: status" test "$status" = 2
ok "a filter that is none: the nearest word" contains "$err" "did you mean 'cloud'?"
sky --once offers clusters
ok "two views: refused" test "$status" = 2
sky
ok "no terminal: status" test "$status" = 2
ok "no terminal: what to do instead" contains "$err" "--once"
sky --read-only
ok "options of the screen without the verb" contains "$err" "needs a terminal"

mkdir -p "$SKYTOP_HOME/config"
printf 'theme: dark\nclouds: [aws, gcp]\nui: {ascii: true}\nautostop: {default_minutes: 2h}\nlaunch: {max_hourly_cost: 12.5}\n' >"$SKYTOP_HOME/config/config.yaml"
sky screen --dump-config
ok "--dump-config: status" test "$status" = 0
ok "what is set" contains "$out" '  ascii: true'
ok "what each is for" contains "$out" '# Draw with plain ASCII only.'
ok "no setting is left out" test "$(printf '%s\n' "$out" | grep -c '^ *[a-z_]*: ')" = "$(LC_ALL=C "$SKYTOP" config --json | grep -c '"name"')"
sky config --json
before=$(printf '%s\n' "$out" | grep '"value"')
sky screen --dump-config
printf '%s\n' "$out" >"$SKYTOP_HOME/config/config.yaml"
sky config --json
ok "it says the same when it is the file" test "$before" = "$(printf '%s\n' "$out" | grep '"value"')"
ok "and nothing is wrong with it" test "$status" = 0 -a -z "$err"
printf 'theme: dark\nui: {ascii: perhaps}\n' >"$SKYTOP_HOME/config/config.yaml"
sky screen --dump-config
ok "a slip in it: status" test "$status" = 1
ok "a slip in it: where" contains "$err" "config.yaml:2:"
ok "a slip in it: the default holds" contains "$out" '  ascii: false'
sky screen clusters --once --size 80x24
ok "a slip in it, --once: said beside the view" contains "$err" "config.yaml:2:"
ok "a slip in it, --once: and not in it" lacks "$out" "perhaps"
sky screen cost --once --json
ok "--once --json: refused" test "$status" = 2
ok "--once --json: what says it as JSON" contains "$out$err" "skytop offers, status, queue, cost"
done_testing
