#!/usr/bin/env python3
"""The table of task files in cases.txt against `skytop task`, as TAP. A case is

    === NAME
    FILE
    --- ok [OPTIONS]              or   --- refused [LINE:COLUMN] [OPTIONS]
    {JSON}                             TEXT, one a line; !TEXT must not be there

ok: every key of the JSON has that value in the first task ("dag.KEY": in the file; "dag.tasks" counts them); maps may have
more than is asked for, lists may not. refused: exit status 2, the place in the message and in the JSON on stdout.
Cases may run on any machine: no network, no engine, a home of their own."""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

SKYTOP = os.environ["SKYTOP"]
HERE = os.path.join(os.environ.get("top_srcdir", "."), "tests", "model")


def cases():
    text = open(os.path.join(HERE, "cases.txt"), encoding="utf-8").read()
    for part in re.split(r"^=== ", text, flags=re.M)[1:]:
        name, rest = part.split("\n", 1)
        file, head, body = re.split(r"^--- (ok|refused)", rest, flags=re.M, maxsplit=1)
        line, body = body.split("\n", 1)
        place = re.match(r"\s*(\d+:\d+)(?=\s|$)", line)
        yield name, file, head == "ok", place.group(1) if place else None, shlex.split(line[place.end() if place else 0:]), body.strip()


def part_of(want, got, path, wrong):
    """want is in got: maps may have more, null is as good as absent."""
    if isinstance(want, dict):
        for k, v in want.items():
            part_of(v, (got or {}).get(k), f"{path}.{k}", wrong)
    elif isinstance(want, list):
        if len(want) != len(got or []):
            wrong.append(f"{path}: want {len(want)} items, got {got}")
        for i, (a, b) in enumerate(zip(want, got or [])):
            part_of(a, b, f"{path}[{i}]", wrong)
    elif want != got:
        wrong.append(f"{path}: want {want!r}, got {got!r}")


def check_ok(run, want):
    if run.returncode:
        return [f"refused ({run.returncode}): {run.stderr.strip()}"]
    dag, wrong = json.loads(run.stdout), []
    for key, value in want.items():
        if key == "dag.tasks":
            part_of(value, len(dag["tasks"]), key, wrong)
        elif key.startswith("dag."):
            part_of(value, dag.get(key[4:]), key, wrong)
        else:
            part_of(value, dag["tasks"][0].get(key), key, wrong)
    return wrong


def check_refused(run, place, texts):
    wrong = [] if run.returncode == 2 else [f"exit status {run.returncode}, want 2"]
    try:
        error = json.loads(run.stdout)["error"]
    except (ValueError, KeyError):
        return wrong + [f"no error as JSON on stdout: {run.stdout!r}"]
    if error["code"] != "invalid" or error["message"] not in run.stderr:
        wrong.append(f"JSON says {error}, stderr {run.stderr!r}")
    if place and f"task.yaml:{place}: " not in run.stderr:
        wrong.append(f"not at {place}: {run.stderr.strip()}")
    if place and [error.get("line"), error.get("column")] != [int(n) for n in place.split(":")]:
        wrong.append(f"JSON is not at {place}: {error}")
    for text in texts:
        if (text[1:] in run.stderr + run.stdout) if text[0] == "!" else (text not in run.stderr):
            wrong.append(f"{text!r} in {run.stderr.strip()!r}?")
    return wrong


def main():
    table, failed = list(cases()), 0
    print(f"1..{len(table)}")
    with tempfile.TemporaryDirectory(prefix="skytop-model.") as tmp:
        env = dict(os.environ, HOME=tmp, SKYTOP_HOME=os.path.join(tmp, "home"), LC_ALL="C.UTF-8")
        for i, (name, file, ok, place, options, body) in enumerate(table, 1):
            with open(os.path.join(tmp, "task.yaml"), "w", encoding="utf-8") as f:
                f.write(file)
            run = subprocess.run([SKYTOP, "task", "task.yaml", "--json", *options], cwd=tmp, env=env, stdin=subprocess.DEVNULL,
                                 capture_output=True, encoding="utf-8", timeout=60)
            wrong = check_ok(run, json.loads(body)) if ok else check_refused(run, place, body.split("\n") if body else [])
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {i} - {name}")
            for w in wrong:
                print(f"# {w}")
    sys.exit(1 if failed else 0)


main()
