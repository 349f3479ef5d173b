#!/usr/bin/env python3
"""Task files against recorded behaviour of SkyPilot: the runner and the cases lie beside the project, in ../shared (or
$SKYTOP_SHARED). Skipped where they are not."""
import os
import subprocess
import sys

SHARED = os.environ.get("SKYTOP_SHARED") or os.path.join(os.environ.get("top_srcdir", "."), "..", "shared")
RUNNER = os.path.join(SHARED, "conformance", "run.py")
CASES = os.path.join(SHARED, "conformance", "yaml_cases.json")

print("1..1")
if not (os.path.exists(RUNNER) and os.path.exists(CASES)):
    print("ok 1 - recorded task files # SKIP the conformance cases are not beside the project")
    sys.exit(0)
run = subprocess.run([sys.executable, RUNNER, os.environ["SKYTOP"], "yaml", CASES], stdin=subprocess.DEVNULL, capture_output=True,
                     encoding="utf-8", timeout=120)
lines = run.stdout.strip().split("\n")
print(f"{'ok' if run.returncode == 0 else 'not ok'} 1 - recorded task files ({lines[-1]})")
for line in lines[:-1] + run.stderr.strip().split("\n"):
    print(f"# {line}")
sys.exit(run.returncode)
