#!/usr/bin/env python3
"""The command line on a terminal: colour and when not, tables cut to its width, nothing cut elsewhere."""
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios

SKYTOP = os.environ["SKYTOP"]
HOME = tempfile.mkdtemp(prefix="skytop-tty.")
cases = 0
status = 0


def run(args, columns=80, answer=None, **environment):
    """What a terminal of so many columns gets. With an answer stderr goes there too, and it is typed when [y/N] is asked."""
    env = {"PATH": os.environ["PATH"], "HOME": HOME, "SKYTOP_HOME": HOME + "/skytop", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if k in os.environ:
            env[k] = os.environ[k]
    env.update(environment)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    p = subprocess.Popen([SKYTOP, *args], stdin=slave, stdout=slave, stderr=slave if answer else subprocess.DEVNULL, env=env)
    os.close(slave)
    out = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
        if answer and b"[y/N]" in out:
            os.write(master, answer)
            answer = None
    os.close(master)
    global status
    status = p.wait()
    return out.decode().replace("\r\n", "\n")


def ok(name, good, shown=""):
    global cases
    cases += 1
    print(f"{'ok' if good else 'not ok'} {cases} - {name}")
    if not good:
        for line in repr(shown).split("\\n"):
            print("#", line)


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def widest(text):
    return max(len(line) for line in plain(text).split("\n"))


try:
    out = run(["recipes"])
    ok("colour on a terminal", "\x1b[1mNAME\x1b[0m" in out, out)
    ok("80 columns are not passed", widest(out) <= 80, out)
    ok("what was cut is marked", "\u2026" in out, out)
    ok("--no-color", "\x1b" not in run(["recipes", "--no-color"]))
    ok("NO_COLOR", "\x1b" not in run(["recipes"], NO_COLOR="1"))
    ok("an empty NO_COLOR is none", "\x1b" in run(["recipes"], NO_COLOR=""))
    ok("TERM=dumb", "\x1b" not in run(["recipes"], TERM="dumb"))
    for columns in (1, 7, 20, 40, 132, 300):
        out = run(["recipes"], columns)
        ok(f"{columns} columns", widest(out) <= columns, out)
    out = run(["recipes"], 40, LC_ALL="C")
    ok("no UTF-8 in the C locale", "\u2026" not in out and "~" in out, out)
    ok("$COLUMNS goes before the terminal", widest(run(["recipes"], 200, COLUMNS="50")) <= 50)
    ok("JSON is never coloured", "\x1b" not in run(["recipes", "--json"]))
    p = subprocess.run([SKYTOP, "recipes"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "20"})
    ok("nothing is cut off a terminal", "\u2026" not in p.stdout and "\x1b" not in p.stdout and widest(p.stdout) > 80, p.stdout)

    # A question: No is the default, and nothing but a yes is a yes.
    run(["launch", "-y", "-c", "asked", "true"])
    for no in (b"\n", b"n\n", b"yess\n", b"\x04"):
        out = run(["down", "asked"], answer=no)
        ok(f"answered {no!r}: nothing is done", status == 1 and "nothing was done" in out and "asked" in run(["status"]), out)
    out = run(["down", "asked"], answer=b"Y\n")
    ok("answered Y: done", status == 0 and "asked" not in run(["status"]), out)
    print(f"1..{cases}")
finally:
    run(["engine", "stop"])
    shutil.rmtree(HOME, ignore_errors=True)
sys.exit(0)
