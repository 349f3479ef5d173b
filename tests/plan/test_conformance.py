#!/usr/bin/env python3
"""Plans against recorded behaviour of SkyPilot, over the price lists that were recorded with them. Runner, cases and lists lie
beside the project, in ../shared (or $SKYTOP_SHARED). Skipped where they are not."""
import json
import os
import subprocess
import sys
import tarfile
import tempfile

SHARED = os.environ.get("SKYTOP_SHARED") or os.path.join(os.environ.get("top_srcdir", "."), "..", "shared")
CONFORMANCE = os.path.join(SHARED, "conformance")
NEEDED = ("run.py", "plans.json", "failover.json", "catalog_v8.tar.gz")
SKYTOP = os.path.abspath(os.environ.get("SKYTOP", "skytop"))


def plans(catalog):
    """Every recorded plan: as feasible, at no higher price, at a price that stands in the lists."""
    run = subprocess.run([sys.executable, os.path.join(CONFORMANCE, "run.py"), SKYTOP, "plans",
                          os.path.join(CONFORMANCE, "plans.json"), catalog], stdin=subprocess.DEVNULL, capture_output=True,
                         encoding="utf-8", timeout=300)
    lines = run.stdout.strip().split("\n")
    return lines[-1], lines[:-1] + run.stderr.strip().split("\n") if run.returncode else []


def same_place(attempt, candidate):
    zones = attempt["zones"]
    return (candidate["provider"] == attempt["cloud"].lower() and candidate["instance_type"] == attempt["instance_type"]
            and candidate["region"] == attempt["region"] and candidate["use_spot"] == attempt["use_spot"]
            and (candidate["zone"] is None or zones is None or candidate["zone"] in zones))


def failover(case, tmp, env):
    """Where SkyPilot went when one place after the other had no capacity, we go too, in the order of prices; and to
    machines in between that it never looks at."""
    path = os.path.join(tmp, "task.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(case["yaml"])
    run = subprocess.run([SKYTOP, "launch", path, "--dryrun", "--json", "--clouds", ",".join(case["enabled_clouds"])], env=env,
                         stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60)
    if run.returncode:
        return [run.stderr]
    ours = json.loads(run.stdout)["candidates"][0]
    wrong = []
    ordered = ": [" in case["yaml"] and "accelerators" in case["yaml"]
    prices = [c["price_uusd_h"] for c in ours]
    if not ordered and prices != sorted(prices):
        wrong.append("candidates are not in the order of their prices")
    last = -1
    for a in case["attempts"]:
        found = [i for i, c in enumerate(ours) if same_place(a, c)]
        dearest = ours[-1]["price_uusd_h"]
        if not found and len(ours) == 100 and round(a["hourly"] * 1e6) >= dearest:
            break  # beyond the hundred that are printed
        if not found:
            wrong.append(f"{a} is never tried")
            continue
        if abs(ours[found[0]]["price_uusd_h"] - round(a["hourly"] * 1e6)) > 1:
            wrong.append(f"{a} at another price: {ours[found[0]]['price_uusd_h']}")
        # Places of equal price may come in another order.
        if found[-1] < last and prices[found[-1]] != prices[last]:
            wrong.append(f"{a} comes too early")
        last = max(last, found[0])
    return wrong


def main():
    if not all(os.path.exists(os.path.join(CONFORMANCE, n)) for n in NEEDED):
        print("1..1\nok 1 - recorded plans # SKIP the conformance cases are not beside the project")
        return 0
    failed = 0
    with open(os.path.join(CONFORMANCE, "failover.json"), encoding="utf-8") as f:
        cases = json.load(f)
    print(f"1..{1 + len(cases)}", flush=True)
    with tempfile.TemporaryDirectory() as tmp:
        with tarfile.open(os.path.join(CONFORMANCE, "catalog_v8.tar.gz")) as t:
            t.extractall(tmp)  # files of our own making
        catalog = os.path.join(tmp, "v8")
        last, wrong = plans(catalog)
        print(f"{'not ok' if wrong else 'ok'} 1 - recorded plans ({last})")
        failed += bool(wrong)
        for line in wrong:
            print(f"# {line}")
        env = dict(os.environ, SKYTOP_HOME=os.path.join(tmp, "home"))
        subprocess.run([SKYTOP, "catalog", "import", catalog], env=env, check=True, stdout=subprocess.DEVNULL)
        for n, case in enumerate(cases, 2):
            wrong = failover(case, tmp, env)
            print(f"{'not ok' if wrong else 'ok'} {n} - failover: {case['id']}")
            failed += bool(wrong)
            for line in wrong:
                print(f"# {line}")
    return 1 if failed else 0


sys.exit(main())
