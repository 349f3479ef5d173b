#!/usr/bin/env python3
"""The screen under a pseudo-terminal: how soon it is there, how soon a key is seen, how much it sends, what it costs at rest. Times
are from the write of a key to the read of the end of the frame that answers it. Standard library only; Linux."""
import fcntl
import os
import pty
import random
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

BUILD = os.environ["top_builddir"]
SKYTOP = os.environ["SKYTOP"]
MADE_UP = os.path.join(BUILD, "tests/tui/skytop_screen")
FRAME_END = b"\033[?2026l"
ESC = b"\033[27u"  # as terminals send it that say which key it was: nothing that follows can make another key of it


class Glass:
    """What the terminal shows, as far as our frames need it: to tell from parts of lines which line is on the screen."""
    PIECE = re.compile(r"\033\[([0-9;?]*)([A-Za-z])|\033\].*?\033\\|\033[()].|\033.|[\r\n\b\t]|[^\033\r\n\b\t]+", re.S)

    def __init__(self, columns=120, rows=40):
        self.rows = [[" "] * columns for _ in range(rows)]
        self.w, self.x, self.y, self.top, self.bottom = columns, 0, 0, 0, rows - 1

    def text(self, text):
        for c in text:
            if self.x < self.w:
                self.rows[self.y][self.x] = c
            self.x += 1

    def scroll(self, n):
        blank = [[" "] * self.w for _ in range(abs(n))]
        part = self.rows[self.top:self.bottom + 1]
        self.rows[self.top:self.bottom + 1] = part[n:] + blank if n > 0 else blank + part[:n]

    def control(self, args, what):
        n = [int(a) if a else 0 for a in args.split(";")] if "?" not in args else [0]
        first = n[0] or 1
        if what == "H":
            self.y, self.x = first - 1, (n[1] if len(n) > 1 else 1) - 1
        elif what == "d":
            self.y = first - 1
        elif what == "G":
            self.x = first - 1
        elif what in "CD":
            self.x += first if what == "C" else -first
        elif what in "AB":
            self.y += first if what == "B" else -first
        elif what == "K":
            self.rows[self.y][self.x:] = [" "] * (self.w - self.x)
        elif what == "X":
            self.rows[self.y][self.x:self.x + first] = [" "] * first
        elif what == "b":
            self.text(self.rows[self.y][self.x - 1] * first)
        elif what in "ST":
            self.scroll(first if what == "S" else -first)
        elif what == "r":
            self.top, self.bottom = first - 1, (n[1] if len(n) > 1 else len(self.rows)) - 1
            self.x = self.y = 0
        elif what == "J":
            for row in self.rows:
                row[:] = [" "] * self.w

    def feed(self, data):
        for m in self.PIECE.finditer(data.decode("utf-8", "replace")):
            text = m.group()
            if m.group(2):
                self.control(m.group(1), m.group(2))
            elif text == "\r":
                self.x = 0
            elif text == "\n":
                self.y += 1
            elif text == "\b":
                self.x -= 1
            elif text == "\t":
                self.x += 8 - self.x % 8
            elif text[0] != "\033":
                self.text(text)


class Screen:
    def __init__(self, argv, home, columns=120, rows=40):
        self.data = b""
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "HOME": home,
               "SKYTOP_HOME": home, "SKYTOP_SHARE": os.path.join(BUILD, "share")}
        master, slave = pty.openpty()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.start = time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(master)
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.execve(argv[0], argv, env)
        os.close(slave)
        self.fd = master

    def read(self, timeout):
        """What comes next, or nothing."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            piece = os.read(self.fd, 1 << 16)
        except OSError:
            piece = b""
        self.data += piece
        return piece

    def quiet(self, seconds=0.15, patience=10):
        """Read until nothing has come for a while; when the last byte came."""
        last, end = time.perf_counter(), time.perf_counter() + patience
        while time.perf_counter() < end:
            if self.read(seconds):
                last = time.perf_counter()
            else:
                break
        return last

    def until(self, text, seconds=10):
        """When the text had come, from now on."""
        seen, end = b"", time.perf_counter() + seconds
        while time.perf_counter() < end:
            seen += self.read(end - time.perf_counter())
            if text in seen:
                return time.perf_counter()
        raise SystemExit("bench_tui: %r did not come" % text)

    def key(self, key, answer=FRAME_END):
        """Milliseconds and bytes until the frame is there that answers."""
        begin, had = time.perf_counter(), len(self.data)
        os.write(self.fd, key)
        return (self.until(answer) - begin) * 1e3, len(self.data) - had

    def keys(self, keys):
        """One after the other, as a fast hand does."""
        took = []
        for k in keys:
            took.append(self.key(k))
            time.sleep(0.01)
        return took

    def proc(self, name, field):
        with open("/proc/%d/%s" % (self.pid, name)) as f:
            return sum(int(line.split()[1]) for line in f if line.startswith(field))

    def ran_ms(self):
        """CPU so far, exactly; None where the kernel does not say."""
        try:
            with open("/proc/%d/schedstat" % self.pid) as f:
                return int(f.read().split()[0]) / 1e6
        except OSError:
            return None

    def cpu_ms(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter()
        while self.read(5):
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        return (time.perf_counter() - end) * 1e3


def row(name, value, unit, bar="-"):
    print("%s\t%.4g\t%s\t%s" % (name, value, unit, bar))


def keys_rows(screen, what, keys):
    ran = screen.ran_ms()
    took = screen.keys(keys)
    if ran is not None:
        row("%s, CPU" % what, (screen.ran_ms() - ran) / len(keys), "ms", "0.6")
    ms = sorted(t for t, _ in took)
    row("%s, at best" % what, ms[0], "ms", "0.6")
    row("%s, median" % what, statistics.median(ms), "ms", "0.6")
    row("%s, 95 %%" % what, ms[int(len(ms) * 0.95)], "ms", "4")
    return statistics.median(b for _, b in took)


def start_rows(home):
    first = Screen([SKYTOP], home)
    first.until(b"quit")
    row("screen: the very first one, which makes the catalog", (first.quiet() - first.start) * 1e3, "ms", "80")
    first.close()
    first_frame_rows(home, "")


def first_frame_rows(home, what):
    took, bytes_at, ran = [], [], []
    for _ in range(15):
        s = Screen([SKYTOP], home)
        s.read(10)
        bytes_at.append((time.perf_counter() - s.start) * 1e3)
        # The end of the footer: the last line of the first frame.
        took.append(((time.perf_counter() if b"quit" in s.data else s.until(b"quit")) - s.start) * 1e3)
        ran.append(s.ran_ms())
        s.quiet()
        s.close()
    row("screen: exec to the first byte" + what, statistics.median(bytes_at), "ms", "30")
    row("screen: exec to the whole first frame" + what, statistics.median(took), "ms", "30")
    if None not in ran:
        row("screen: exec to the whole first frame, CPU" + what, statistics.median(ran), "ms", "30")


def every_tenth_page(s, n):
    """Bytes of pages all over the list: each tenth one."""
    took = []
    for _ in range(n):
        s.key(b"\033[6~" * 9)
        s.quiet(0.004)
        took.append(s.key(b"\033[6~")[1])
    return took


def filter_rows(s, what):
    s.key(b"/")
    typed_text, ran = b"h100 spot<3 region:us-*", s.ran_ms()
    took = s.keys([bytes([c]) for c in typed_text])
    if ran is not None:
        row("screen: filter while typing, CPU" + what, (s.ran_ms() - ran) / len(typed_text), "ms", "8")
    typed = [ms for ms, _ in took]
    row("screen: filter while typing, the slowest key" + what, max(typed), "ms", "16")
    row("screen: filter while typing, median" + what, statistics.median(typed), "ms", "8")
    row("screen: filter while typing, bytes" + what, statistics.median(n for _, n in took), "B", "4096")


def offers_rows(home):
    s = Screen([SKYTOP], home)
    s.quiet()
    row_bytes = keys_rows(s, "screen: key to repaint, the bundled offers", [b"j"] * 40 + [b"k"] * 30)
    row("screen: bytes when the selection moves, two rows of 119", row_bytes, "B", "250")
    pages = s.keys([b"\033[6~"] * 10)
    row("screen: a page down", statistics.median(t for t, _ in pages), "ms", "4")
    row("screen: a page down, bytes, the first ten", statistics.median(b for _, b in pages), "B")
    row("screen: a page down, bytes", statistics.median(every_tenth_page(s, 140)), "B", "2560")
    s.key(b"g")
    s.quiet()
    begin, had = time.perf_counter(), len(s.data)
    os.write(s.fd, b"j" * 200)
    row("screen: 200 keys at once, last byte", (s.quiet() - begin) * 1e3, "ms", "10")
    row("screen: 200 keys at once, bytes", len(s.data) - had, "B", "5120")
    filter_rows(s, "")
    s.key(b"\r")
    s.key(b"?")
    row("screen: lone Esc", s.key(b"\033")[0], "ms", "30")
    s.quiet(0.5)
    fcntl.ioctl(s.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 90, 300, 0, 0))
    begin = time.perf_counter()
    row("screen: resized to 300x90, last byte", (s.quiet() - begin) * 1e3, "ms", "20")
    s.quiet(0.5)
    os.kill(s.pid, signal.SIGSTOP)
    time.sleep(0.05)
    begin = time.perf_counter()
    os.kill(s.pid, signal.SIGCONT)
    row("screen: continued after a stop, last byte", (s.quiet() - begin) * 1e3, "ms", "20")
    if time.time() % 60 > 48:  # ages go on when a minute begins
        time.sleep(60 - time.time() % 60)
    s.quiet(0.5)
    switches, had, seconds = s.proc("status", "voluntary_ctxt_switches"), len(s.data), 10
    s.quiet(seconds, seconds)
    row("screen: at rest, bytes", (len(s.data) - had) / seconds, "B/s", "0")
    row("screen: at rest, wake-ups", (s.proc("status", "voluntary_ctxt_switches") - switches) / seconds, "/s", "0.2")
    row("screen: memory (PSS)", s.proc("smaps_rollup", "Pss:") / 1024, "MiB", "12")
    row("screen: SIGTERM to its end", s.close(), "ms", "50")


def big_rows(home):
    """More offers than all clouds together have in their lists: 140,000 made-up ones beside the bundled ones."""
    os.mkdir(home)
    lists, env = os.path.join(home, "lists"), {**os.environ, "SKYTOP_HOME": home}
    subprocess.run([os.path.join(BUILD, "tests/bench/bench_catalog"), "--lists", lists], check=True)
    subprocess.run([SKYTOP, "catalog", "import", lists], check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first_frame_rows(home, ", 140,000 offers")
    s = Screen([SKYTOP], home)
    s.quiet()
    keys_rows(s, "screen: key to repaint, 140,000 offers", [b"j"] * 40 + [b"k"] * 30)
    row("screen: memory (PSS), 140,000 offers", s.proc("smaps_rollup", "Pss:") / 1024, "MiB")
    filter_rows(s, ", 140,000 offers")
    s.close()


def lag(s, seconds):
    """How far the screen is behind the newest line of each of its logs, at worst: just before the frame that shows a newer one. The
    lines say when they were made; 95 % of all such moments, in milliseconds."""
    glass, behind, newest, rest = Glass(), [], {}, s.data
    end = time.perf_counter() + seconds
    s.data = b""
    while time.perf_counter() < end:
        rest += s.read(1)
        now = time.monotonic() * 1e3
        done = rest.rfind(FRAME_END) + len(FRAME_END)
        if done < len(FRAME_END):
            continue
        glass.feed(rest[:done])
        rest = rest[done:]
        for at, log in re.findall(r"@(\d+)\.(\d+) ", "\n".join("".join(row) for row in glass.rows)):
            known = newest.get(log, 0)
            if int(at) > known:
                newest[log] = int(at)
                if known:
                    behind.append(now - known)
    return sorted(behind)[int(len(behind) * 0.95)], len(newest)


def lag_rows(home):
    s = Screen([MADE_UP, "--view", "clusters", "--log-rate", "100000", "--log-stamps"], home)
    s.until(b"train")
    s.quiet(0.1, 1)
    os.write(s.fd, b"Go")
    s.until(b"FOLLOWING")
    behind, n = lag(s, 4)
    row("screen: a log of 100,000 lines/s, behind by", behind, "ms", "250")
    s.close()
    s = four_panes(home, "--log-rate", "250", "--log-stamps")
    behind, n = lag(s, 5)
    if n != 4:
        raise SystemExit("bench_tui: %d of 4 logs were seen" % n)
    row("screen: 4 panes of 250 lines/s, behind by", behind, "ms", "100")
    s.close()


def hanging_rows(home):
    """Twenty orders that are never answered: time goes on beside each."""
    s = Screen([MADE_UP, "--view", "clusters", "--clusters", "200", "--hang"], home)
    s.quiet(0.05, 1)
    for _ in range(20):
        for key in (b"S", b"\t", b"\r", b"j"):
            s.key(key)
    s.quiet(0.3, 1)
    os.write(s.fd, b"9")
    s.quiet(0.3, 1)
    glass = Glass()
    glass.feed(s.data)
    if "21 under way" not in "".join(glass.rows[1]):  # and the one that there is anyway
        raise SystemExit("bench_tui: not all requests are under way: %s" % "".join(glass.rows[1]))
    os.write(s.fd, b"2")
    s.quiet(0.3, 1)
    keys_rows(s, "screen: key to repaint, 20 requests hang", [b"j"] * 30 + [b"k"] * 30)
    s.close()


def updates_rows(home):
    s = Screen([MADE_UP, "--view", "clusters", "--clusters", "200", "--shuffle", "100"], home)
    s.quiet(0.05, 1)
    keys_rows(s, "screen: key to repaint, 200 clusters changing at 10 Hz", [b"j", b"k"] * 30)
    s.close()


def cost_rows(home):
    """The panel of costs while much runs, with the clock on the wall; and when nothing does."""
    for what, bar, argv in (("at $265/h", "150", []), ("nothing runs", "0", ["--empty"])):
        s = Screen([MADE_UP, "--view", "cost", "--live", *argv], home)
        s.until(b"today")
        s.quiet(1.5, 2)
        cpu, had, begin = s.cpu_ms(), len(s.data), time.perf_counter()
        s.quiet(21, 20)
        took = time.perf_counter() - begin
        row("screen: the cost panel, %s, sent" % what, (len(s.data) - had) / took, "B/s", bar)
        row("screen: the cost panel, %s, CPU" % what, (s.cpu_ms() - cpu) / took / 10, "%", "0.05")
        s.close()


def log_rows(home):
    s = Screen([MADE_UP, "--view", "clusters", "--log-rate", "100000"], home)
    s.until(b"train")
    s.quiet(0.1, 1)
    os.write(s.fd, b"Go")
    s.until(b"FOLLOWING")
    s.quiet(1, 1)
    cpu, had, begin = s.cpu_ms(), len(s.data), time.perf_counter()
    s.quiet(3, 3)
    took = time.perf_counter() - begin
    row("screen: a log of 100,000 lines/s, sent", (len(s.data) - had) / took / 1024, "KiB/s", "80")
    row("screen: a log of 100,000 lines/s, CPU", (s.cpu_ms() - cpu) / took / 10, "%", "-")
    helps = []
    for _ in range(20):
        time.sleep(random.uniform(0.005, 0.045))  # anywhere between two frames
        s.read(0)
        helps.append(s.key(b"?", b"search")[0])
        os.write(s.fd, ESC)
        s.quiet(0.2, 0.2)
    row("screen: key to repaint meanwhile (the whole help), median", statistics.median(helps), "ms", "4")
    row("screen: memory with 50,000 lines (PSS)", s.proc("smaps_rollup", "Pss:") / 1024, "MiB", "30")
    s.close()


def four_panes(home, *argv):
    s = Screen([MADE_UP, "--view", "clusters", *argv], home)
    s.until(b"train")
    s.quiet(0.1, 1)
    os.write(s.fd, b"Go")
    s.until(b"FOLLOWING")
    for keys in (b"|sweep\r", b"-job 3\r", b"\0331-job 1\r"):
        os.write(s.fd, keys)
        s.quiet(0.3, 0.3)
    return s


def panes_rows(home):
    s = four_panes(home, "--log-rate", "250")
    s.quiet(2, 2)
    cpu, had, begin = s.cpu_ms(), len(s.data), time.perf_counter()
    s.quiet(5, 5)
    took = time.perf_counter() - begin
    row("screen: 4 panes of 250 lines/s, sent", (len(s.data) - had) / took / 1024, "KiB/s", "80")
    row("screen: 4 panes of 250 lines/s, CPU", (s.cpu_ms() - cpu) / took / 10, "%", "4")
    moves = []
    for key in [b"\t"] * 40:  # the focus goes on: titles and lines between panes
        time.sleep(random.uniform(0.005, 0.045))
        s.read(0)
        moves.append(s.key(key)[0])
    # As without logs, within a millisecond: a key may come while lines are drawn.
    row("screen: key to repaint meanwhile, at best", min(moves), "ms", "0.6")
    row("screen: key to repaint meanwhile, median", statistics.median(moves), "ms", "1.6")
    row("screen: key to repaint meanwhile, 95 %", sorted(moves)[int(len(moves) * 0.95)], "ms", "5")
    s.close()
    s = four_panes(home, "--log-lines", "60000")
    os.write(s.fd, b"z")
    s.until(b"older dropped")
    row("screen: memory with 4 x 50,000 lines (PSS)", s.proc("smaps_rollup", "Pss:") / 1024, "MiB", "30")
    s.close()


def main():
    if not sys.platform.startswith("linux"):
        return
    home = tempfile.mkdtemp(prefix="skytop-bench-")
    try:
        start_rows(home)
        offers_rows(home)
        big_rows(os.path.join(home, "big"))
        if os.access(MADE_UP, os.X_OK):
            updates_rows(home)
            hanging_rows(home)
            cost_rows(home)
            log_rows(home)
            lag_rows(home)
            panes_rows(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


main()
