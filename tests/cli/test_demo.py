#!/usr/bin/env python3
"""skytop demo: the screen over a made-up cloud. It is marked, things happen in it, and nothing of it is left however it ends."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

SKYTOP = os.environ["SKYTOP"]
ROOT = tempfile.mkdtemp(prefix="skytop-dm.")
TMP, HOME = ROOT + "/t", ROOT + "/h"
os.mkdir(TMP)
os.mkdir(HOME)
ENV = {"PATH": os.environ["PATH"], "HOME": HOME, "SKYTOP_HOME": HOME + "/skytop", "TMPDIR": TMP, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "SKYTOP_SHARE"):
    if k in os.environ:
        ENV[k] = os.environ[k]
SLOW = 4 if "ASAN_OPTIONS" in os.environ else 1
cases = 0


def ok(name, good, shown=""):
    global cases
    cases += 1
    print(f"{'ok' if good else 'not ok'} {cases} - {name}")
    if not good:
        for line in str(shown)[-3000:].splitlines():
            print("#", line)


class Screen:
    """A demo on a terminal of its own. Text is what was written, escape sequences taken out: enough to wait for words."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execve(SKYTOP, [SKYTOP, "demo", *args], ENV)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
        self.raw = b""
        self.began = time.monotonic()

    def text(self):
        return re.sub(r"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x1b\][^\x07]*\x07|\x1b[()].", "", self.raw.decode(errors="replace"))

    def wait(self, word, seconds=20, since=0):
        """Seconds from the start until the word was written; None: it was not."""
        until = time.monotonic() + seconds * SLOW
        while not re.search(word, self.text()[since:]):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                return None
            self.raw += part
        return time.monotonic() - self.began

    def keys(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Its exit status, once it has ended."""
        until = time.monotonic() + 20 * SLOW
        while time.monotonic() < until:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.raw += os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return status
        return None


def ours():
    """Processes of a demo: their environment names its folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")) if os.path.isdir("/proc/self") else ():
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if f"SKYTOP_HOME={TMP}/".encode() in f.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def nothing_left(seconds=10):
    until = time.monotonic() + seconds * SLOW
    while time.monotonic() < until:
        if not os.listdir(TMP) and not ours():
            return True
        time.sleep(0.05)
    return False


def happened(words, times=1, seconds=20):
    """Does the demo's engine tell of it, as often as that?"""
    until = time.monotonic() + seconds * SLOW
    told = ""
    while time.monotonic() < until:
        homes = os.listdir(TMP)
        if homes and os.path.exists(f"{TMP}/{homes[0]}/run/engine.sock"):
            p = subprocess.run([SKYTOP, "events"], env={**ENV, "SKYTOP_HOME": f"{TMP}/{homes[0]}"}, capture_output=True, text=True, check=False)
            told = p.stdout
        if told.count(words) >= times:
            return True
        time.sleep(0.25)
    print("#", told.replace("\n", "\n# "))
    return False


# What each view shows beside the plain twin that says it too: (view, verb, {title of the view's column: (title of the verb's, field of its
# JSON)}). A column that a view gets and that is not here fails the test.
TWINS = [
    ("offers", ["offers", "T4", "-v"], {"GPU": ("GPU", "accelerator"), "N": ("N", "accelerator_count"), "CLOUD": ("CLOUD", "cloud"),
     "INSTANCE": ("INSTANCE", "instance_type"), "REGION": ("REGION", "region"), "vCPU": ("vCPU", "vcpus"), "RAM GB": ("RAM GB", "memory_gib"),
     "$/h": ("$/h", "price_uusd_h"), "$/GPU\u00b7h": ("$/GPU/h", "price_per_accelerator_uusd_h"), "SPOT": ("SPOT $/h", "spot_uusd_h"),
     "SAVE": ("SAVE", "spot_uusd_h"), "RECLAIM": ("RECLAIM", "reclaim_percent"), "AVAIL": ("AVAIL", "available"),
     "7 DAYS": ("PRICE, 30 DAYS", "last_30_days"), "AGE": ("AGE", "as_of"), "SOURCE": ("SOURCE", "source")}),
    ("clusters", ["status", "-v"], {"NAME": ("NAME", "name"), "STATUS": ("STATUS", "status"), "INFRA": ("INFRA", "provider"),
     "RESOURCES": ("RESOURCES", "accelerator"), "GPU": ("GPU", "heartbeat"), "JOBS": ("JOBS", "jobs_running"), "$/h": ("$/H", "rate_uusd_h"),
     "COST": ("COST", "cost_uusd"), "AUTOSTOP": ("AUTOSTOP", "autostop"), "LAUNCHED": ("LAUNCHED", "launched_at"), "USER": ("USER", "user"),
     "PROJECT": ("PROJECT", "project"), "DOING": ("NOTE", "progress")}),
    ("jobs", ["queue"], {"CLUSTER": ("CLUSTER", "cluster"), "JOB": ("ID", "job_id"), "NAME": ("NAME", "name"), "STATUS": ("STATUS", "status"),
     "USER": ("USER", "user"), "RESOURCES": ("RESOURCES", "gpus"), "SUBMITTED": ("SUBMITTED", "submitted_at"), "TOOK": ("DURATION", "started_at"),
     "EXIT": ("EXIT", "exit_code"), "REASON": ("REASON", "reason")}),
    ("cost", ["cost"], {"CLUSTER": ("NAME", "name"), "STATUS": ("STATUS", "status"), "CLOUD": ("RESOURCES", "provider"), "$/h": ("COST/hr", "now_uusd_h"),
     "TODAY": ("TODAY", "today_uusd"), "MONTH": ("MONTH", "month_uusd"), "COST": ("COST (est.)", "cost_uusd"), "24 HOURS": ("24 hours", "hours"),
     "NOTE": ("NOTE", "wasted_uusd")}),
    ("activity", ["requests", "--all"], {"ID": ("ID", "id"), "REQUEST": ("VERB", "verb"), "STATE": ("STATE", "state"), "USER": ("USER", "user"),
     "ASKED": ("CREATED", "created_at"), "TOOK": ("TOOK", "finished_at"), "PROGRESS": ("NOTE", "progress")}),
    ("recipes", ["recipes"], {"RECIPE": ("NAME", "name"), "FROM": ("FROM", "own"), "WHAT IT DOES": ("WHAT IT DOES", "title"), "NEEDS": ("NEEDS", "needs")}),
]


def titles(screen, first):
    """The titles of a view's table: its line begins with the first of them; what is beside it, the details, is left out."""
    for line in screen.splitlines():
        words = line.strip("\u2502 ").split("\u2502")[0]
        if words.startswith(first):
            return [re.sub("[\u25b2\u25bc]", "", w) for w in re.split(r"\s{2,}", words.strip())]
    return []


def twins(say, tell):
    for view, verb, columns in TWINS:
        screen = say("screen", view, "--once", "--size", "300x40")
        there = titles(screen, next(iter(columns)))
        text, rows = say(*verb), tell(*verb)
        rows = rows.get("offers") or rows.get("clusters") if isinstance(rows, dict) else rows
        wrong = [t for t in there if t not in columns] + [w for w, _ in columns.values() if w not in text] + [f for _, f in columns.values() if f not in rows[0]]
        ok(f"{view}: skytop {' '.join(verb)} says all that the view does, as text and as JSON", there and not wrong, f"{wrong}\n{screen}\n{text}\n{rows[0]}")
    ok("details of a cluster: nodes, GPUs, use", all(w in say("status", "-v", "train") for w in ("NODE", "SILENT", "GPU 7", "CPU", "disk")), say("status", "-v", "train"))
    launch = next(r for r in tell("requests", "--all") if r["verb"] == "launch" and r["cluster"] == "train")
    steps = say("requests", str(launch["id"]))
    ok("the list of a launch's steps, with the place that was tried", "attempt 1, sim sim-north-a" in steps and "creating nodes" in steps and "SUCCEEDED" in steps, steps)
    one = tell("requests", str(launch["id"]))
    ok("as JSON, with what can be done next", any(e["kind"] == "provision.failed" for e in one["steps"]) and "next" in one, one)
    events = say("events")
    ok("events with their level", re.search(r"^\S+Z  error  \[nightly\] ", events, re.M) and {"id", "at", "cluster", "request", "level", "text"} <= set(tell("events")[0]), events)
    spend, text = tell("cost"), say("cost")
    ok("cost: now, today, month, where it leads with a band, budget, courses", {"now_uusd_h", "today_uusd", "month_uusd", "projection", "budget"} <= set(spend["spend"])
       and {"low_uusd", "high_uusd", "method"} <= set(spend["spend"]["projection"]) and len(spend["hours"]) == 24 and len(spend["days"]) == 30
       and all(w in text for w in ("now $", "today $", "end of the month", "budget $", "30 days")), text)
    ok("what changed since yesterday and why", "WHY" in say("cost", "--changes") and {"diff_uusd", "why", "text"} <= set(spend["changes"][0]), spend["changes"])
    ok("sums by cloud, project, user", all({"name", "now_uusd_h", "days"} <= set(spend["by"][k][0]) and "THIS MONTH" in say("cost", "--by", k) for k in ("cloud", "project", "user")))
    text, told = say("metrics", "--measure", "cpu", "--span", "6h"), tell("metrics", "--measure", "cpu", "--span", "6h")
    ok("metrics: each node's measures and their past, each figure", "LOAD, LAST 6 hours" in text and len(told["figures"]) >= 15 and all(f["title"] in text and f["explain"]
       for f in told["figures"]) and {"now", "series", "heard_at"} <= set(told["nodes"][0]), text)
    ok("logs: their lines; as JSON how the job stands", "tokens/s" in say("logs", "train", "1", "--no-follow", "--tail", "50") and tell("logs", "train", "1")["status"], say("logs", "train", "1", "--no-follow"))
    stamped = say("logs", "train", "1", "--no-follow", "-t", "--tail", "2").splitlines()
    ok("with when each line came", len(stamped) >= 2 and all(re.match(r"20\d\d-\d\d-\d\dT[\d:]{8}Z \(.*rank=", line) for line in stamped), stamped)
    for view in ("managed", "services"):
        screen = say("screen", view, "--once", "--size", "120x12")
        ok(f"{view}: nothing to be had as text; it says so, and with what command that will change", "this version cannot run them yet" in screen and "`skytop" in screen, screen)


def left():
    return f"{os.listdir(TMP)} {ours()}"


try:
    out = subprocess.run([SKYTOP, "demo", "--once", "offers", "--size", "150x20"], env=ENV, capture_output=True, text=True, check=False)
    ok("--once offers", out.returncode == 0 and out.stdout.count("\n") == 20, out.stdout + out.stderr)
    ok("a made-up price list", "sim-8x-h100" in out.stdout or "sim-t4" in out.stdout, out.stdout)
    ok("marked in the top line", "simulated" in out.stdout.splitlines()[0], out.stdout)
    ok("and in the title", "DEMO: SIMULATED" in out.stdout.splitlines()[1], out.stdout)
    ok("with a past of prices", re.search("[▁▂▃▄▅▆▇█]{7}", out.stdout), out.stdout)
    ok("nothing is left of it", nothing_left(), left())

    out = subprocess.run([SKYTOP, "demo"], env=ENV, capture_output=True, text=True, check=False)
    ok("no terminal: refused", out.returncode == 2 and "--once" in out.stderr, out.stderr)
    out = subprocess.run([SKYTOP, "demo", "--speed", "0"], env=ENV, capture_output=True, text=True, check=False)
    ok("a speed that is none: refused", out.returncode == 2, out.stderr)

    s = Screen("clusters", "--speed", "600")
    first = s.wait("simulated")
    ok("it is there at once", first is not None and first < 2 * SLOW, first)
    ok("a cluster comes up, and is on the screen", happened("train is UP") and s.wait("train"), s.text())
    ok("the screen has found the engine", s.wait(r"\$[0-9.]+/h", 5), s.text())
    ok("jobs run", happened("RUNNING"))
    def tell(*words):
        """What the demo's engine says of itself."""
        p = subprocess.run([SKYTOP, *words, "--json"], env={**ENV, "SKYTOP_HOME": f"{TMP}/{os.listdir(TMP)[0]}"}, capture_output=True, text=True, check=False)
        return json.loads(p.stdout or "null")
    cost = tell("cost")
    ok("it has a past that cost something", cost and sum(d is not None and d > 0 for d in cost["days"]) >= 8 and cost["simulated"], cost)
    gone = [n for n in tell("metrics", "--span", "7d")["nodes"] if n["status"] == "GONE"]
    ok("and in which something was done", len(gone) >= 10 and all(any(v for v in n["series"]) for n in gone), gone)
    ok("and a budget", tell("budget") and tell("budget")[0]["simulated"], tell("budget"))
    until, gpu = time.monotonic() + 30 * SLOW, None
    while gpu is None and time.monotonic() < until:
        gpu = next((n["now"]["gpu"] for n in tell("metrics")["nodes"] if n["now"]["gpu"] is not None), None)
        time.sleep(0.2)
    ok("its GPUs have figures", gpu is not None, tell("metrics"))

    ok("the spot cluster is taken back", happened("taken back by the provider"))
    ok("and launched again", happened("nightly is UP", 2))
    def say(*words):
        p = subprocess.run([SKYTOP, *words], env={**ENV, "SKYTOP_HOME": f"{TMP}/{os.listdir(TMP)[0]}"}, capture_output=True, text=True, check=False)
        return p.stdout + p.stderr
    twins(say, tell)
    s.keys("q")
    status = s.end()
    ok("q: status", status == 0, status)
    ok("q: nothing is left when it has ended", not os.listdir(TMP) and not ours(), left())
    ok("q: what would be said of real clusters is not", "still up" not in s.text(), s.text()[-300:])

    for signo in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        s = Screen("clusters", "--speed", "600")
        up = happened("train is UP") if signo == signal.SIGKILL else s.wait("simulated")  # or while it is still being launched
        os.kill(s.pid, signo)
        status = s.end()
        ended = os.WTERMSIG(status) if signo == signal.SIGKILL else os.WEXITSTATUS(status) - 128
        ok(f"{signo.name}: status", up and ended == signo, f"{up} {status}")
        ok(f"{signo.name}: nothing is left", nothing_left(), left())
    ok("the person's own folder was not touched", not os.listdir(HOME), os.listdir(HOME))
finally:
    shutil.rmtree(ROOT, ignore_errors=True)
print(f"1..{cases}")
sys.exit(0)
