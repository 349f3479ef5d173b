#!/usr/bin/env python3
"""ROWS.md names for each thing the screen must do what shows it: that all of it is there, and runs."""
import glob
import os
import re

TOP = os.environ.get("top_srcdir", ".")
cases = 0


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


MAKE = "".join(read(p) for p in glob.glob(TOP + "/tests/*/local.mk"))


def ok(name, good, why=""):
    global cases
    cases += 1
    print("%s %d - %s" % ("ok" if good else "not ok", cases, name))
    if not good:
        print("#", why)


def runs(path):
    return path in MAKE or os.path.splitext(path)[0] in MAKE


def missing(what):
    """Why that shows nothing; "": it is there."""
    name, _, case = what.partition(" ")
    if name == "golden":
        return "" if os.path.exists(TOP + "/tests/tui/golden/" + case) else "there is no such screen"
    files = [f for f in glob.glob(TOP + "/tests/*/" + name) if runs(os.path.relpath(f, TOP))]
    if not files:
        return "there is no such file, or nothing runs it"
    if not case:
        return "" if name.startswith("fuzz_") else "it says no case"
    wanted = "cmocka_unit_test(%s)" % case if name.startswith("test_") and name.endswith(".c") else case
    return "" if any(wanted in read(f) for f in files) else "there is no such case"


rows = [line.split("|")[1:-1] for line in read(TOP + "/tests/tui/ROWS.md").splitlines() if re.match(r"\| \d+ \|", line)]
ok("forty rows", [int(r[0]) for r in rows] == list(range(1, 41)))
for r in rows:
    shown = re.findall(r"`([^`]+)`", r[3])
    wrong = ["%s: %s" % (w, why) for w in shown for why in [missing(w)] if why]
    ok("row %s:%s" % (r[0].strip(), r[1].rstrip()), shown and not wrong, "; ".join(wrong) or "nothing shows it")
ok("a case that is not there is found out", missing("test_look.c test_nothing_of_the_kind") and missing("test_none.c test_a") and missing("golden no"))
print("1..%d" % cases)
