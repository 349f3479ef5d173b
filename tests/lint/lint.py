#!/usr/bin/env python3
"""The rules of the house that a script can check, over every file of the tree, as TAP: one case a rule. What a rule means
and why is in its docstring. A finding is printed as FILE:LINE: what is wrong."""
import os
import re
import subprocess
import sys

TOP = os.path.abspath(os.environ.get("top_srcdir", "."))
BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
ROOMS = ("core", "providers", "tui", "tests")
SKIPPED = {".git", "autom4te.cache", "build-aux", "corpus"}


def files(*endings):
    """Source files below the rooms, relative to the top, without build folders."""
    for room in ROOMS:
        for folder, subs, names in os.walk(os.path.join(TOP, room)):
            subs[:] = sorted(s for s in subs if s not in SKIPPED)
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(folder, name), TOP)


def text_files():
    """Everything that is written by hand, over the whole tree."""
    for folder, subs, names in os.walk(TOP):
        subs[:] = sorted(s for s in subs if s not in SKIPPED and not s.startswith("build") and not s.startswith("skytop-0"))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), TOP)
            if name.endswith((".c", ".h", ".sh", ".py", ".md", ".mk", ".am", ".ac", ".yaml", ".in")) \
                    or path in ("bootstrap", ".ci/run"):
                if name not in ("Makefile.in", "config.h.in"):
                    yield path


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def lines(path):
    return enumerate(read(path).split("\n"), 1)


def code_lines(path):
    """Lines with comments and the insides of string literals blanked out, numbers kept."""
    text = read(path)

    def blank(m):
        s = m.group(0)
        return s[0] + re.sub(r"[^\n]", " ", s[1:-1]) + s[-1] if s[0] in "\"'" else re.sub(r"[^\n]", " ", s)
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)
    return enumerate(text.split("\n"), 1)


# --- layers -----------------------------------------------------------------------------------------------------------
CORE = ["core/base/", "core/io/", "core/model/", "core/store/", "core/plan/", "core/run/", "core/api/"]
CONTRACTS = ["core/provider.h", "core/transport.h"]
SCREEN = ["core/base/", "core/io/", "core/model/", "core/store/", "core/plan/", "core/api/", "core/provider.h", "tui/"]
MAY_INCLUDE = [  # the first prefix that fits decides
    *[(room, CORE[:i + 1] + (CONTRACTS if room in ("core/run/", "core/api/") else [])) for i, room in enumerate(CORE)],
    ("core/provider.h", ["core/base/", "core/model/"]),
    ("core/transport.h", ["core/base/", "core/io/", "core/model/"]),
    ("providers/", ["core/provider.h", "core/model/", "core/base/", "providers/"]),
    ("tui/main.c", ["core/", "providers/", "tui/"]),
    ("tui/cli/engine", ["core/", "tui/"]),  # the verb that is the engine
    ("tui/", SCREEN),
    ("tests/", ["core/", "providers/", "tui/", "tests/"]),
]
# Libraries that only these rooms know.
ONLY = {
    "curses": ("tui/term/",),
    "sqlite3": ("core/store/", "tests/"),
    "curl/": ("core/io/", "tests/"),
    "archive": ("core/io/", "core/run/", "tests/"),
    "vterm": ("tests/",),
    "cmocka": ("tests/",),
}


def layers():
    """Lower layers never include higher ones; foreign libraries stay in their rooms; includes are written from the top."""
    for path in files(".c", ".h"):
        allowed = next(a for prefix, a in MAY_INCLUDE if path.startswith(prefix))
        for n, line in lines(path):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if not m:
                continue
            what = m.group(2)
            if m.group(1) == '"':
                if what == "config.h":
                    continue
                if not os.path.exists(os.path.join(TOP, what)) and not os.path.exists(os.path.join(BUILD, what)):
                    yield f'{path}:{n}: "{what}" is not a path from the top of the tree'
                elif not any(what.startswith(a) for a in allowed):
                    yield f"{path}:{n}: {what} is above this room, or not for it"
            for library, rooms in ONLY.items():
                if m.group(1) == "<" and library in what and not path.startswith(rooms):
                    yield f"{path}:{n}: <{what}> belongs to {', '.join(rooms)}"


def makefile_variables():
    out = {}
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8", errors="replace") as f:
        for line in f:
            m = re.match(r"([A-Za-z0-9_]+) = (.*)", line)
            if m:
                out[m.group(1)] = m.group(2)
    return out


def first_include(path):
    """What a source file includes before all else but config.h."""
    for what in re.findall(r'^[ \t]*#[ \t]*include[ \t]+[<"]([^">]+)[">]', read(path), re.M):
        if what != "config.h":
            return what
    return None


def headers_alone():
    """Every header compiles by itself, and twice. Where a .c file begins with it, the compiler has shown that already, and that it may come
    twice is seen from its guard; the others are given to the compiler here."""
    shown = {first_include(path) for path in files(".c")}
    guarded = re.compile(r"^\s*(/\*.*?\*/\s*)*#\s*(pragma once|ifndef (\w+)\s*\n\s*#\s*define \3\b)", re.S)
    v = makefile_variables()
    flags = " ".join(v.get(k, "") for k in v if k.endswith("_CFLAGS") and k not in ("AM_CFLAGS", "WARN_CFLAGS", "SAN_CFLAGS"))
    cc = v["CC"].split() + ["-fsyntax-only", "-std=c11", "-D_GNU_SOURCE", "-DHAVE_CONFIG_H", f"-I{BUILD}", f"-I{TOP}", "-x", "c"]
    cc += [f for f in flags.split() if f.startswith(("-I", "-D")) and "$" not in f]
    for path in files(".h"):
        if path in shown and guarded.match(read(path)):
            continue
        p = subprocess.run(cc + ["-"], input=f'#include "{path}"\n#include "{path}"\n', capture_output=True, text=True, cwd=TOP)
        if p.returncode:
            errors = [e for e in p.stderr.splitlines() if "error:" in e] or ["does not compile"]
            yield f"{path}: {errors[0].strip()}"


BANNED = {
    "strcpy": "strings have a maximum: struct str, memcpy", "strcat": "struct str", "sprintf": "snprintf or str_addf",
    "vsprintf": "vsnprintf", "strtok": "strcspn", "gets": "fgets", "atoi": "num_int", "atol": "num_int", "atoll": "num_int",
    "atof": "num_double", "strtod": "num_double (the locale's decimal point)", "system": "proc.h, an argv array",
    "popen": "proc.h, an argv array", "alloca": "an arena", "mktemp": "mkstemp", "tmpnam": "mkstemp", "rand": "a generator "
    "of its own", "asctime": "time_rfc3339", "ctime": "time_rfc3339", "scanf": "num_int",
    "malloc": "xmalloc", "calloc": "xcalloc", "realloc": "xrealloc", "strdup": "xstrdup", "strndup": "xstrndup",
}
BANNED_ALLOWED = {("core/base/mem.c", "malloc"), ("core/base/mem.c", "calloc"), ("core/base/mem.c", "realloc"),
                  ("core/base/num.c", "strtod")}


def banned_functions():
    """Functions that overrun, that go through a shell, or that fail where we do not look."""
    words = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path in files(".c", ".h"):
        for n, line in code_lines(path):
            for name in words.findall(line):
                if (path, name) in BANNED_ALLOWED or (path.startswith("tests/") and name not in ("system", "popen", "mktemp")):
                    continue
                yield f"{path}:{n}: {name}() is not used here; instead: {BANNED[name]}"


PROTOTYPE = re.compile(r"^(?!typedef|static|extern|#|return|struct \w+ \{)[A-Za-z_][\w \t*]*?\**\b(\w+)\s*\([^;{]*\)[^;{=]*;", re.M)


def prototypes_commented():
    """Every prototype of a header stands in a block with a comment: what it does, who owns what, how it fails."""
    for path in files(".h"):
        if path.startswith("tests/"):
            continue
        text = read(path)
        starts = [m.start() for m in re.finditer(r"\n[ \t]*\n", text)] + [len(text)]
        before = 0
        for start in starts:
            block = text[before:start]
            bare = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), block, flags=re.S)
            m = PROTOTYPE.search(bare)
            if m and "/*" not in block:
                n = text[:before].count("\n") + bare[:m.start()].count("\n") + 1
                yield f"{path}:{n}: {m.group(1)}() has no comment"
            before = start


def files_open_with_purpose():
    """The first thing in a .c or .h file is a comment that says what it is for."""
    for path in files(".c", ".h"):
        if not read(path).lstrip().startswith("/*"):
            yield f"{path}:1: opens without a comment that says what problem it solves"


# A program's own: state of the log, of signal handlers and of curses. Everything else is passed along.
MUTABLE_ALLOWED = {"core/base/log.c", "core/base/trace.c", "core/io/loop.c", "core/api/daemon.c", "tui/term/"}


def no_mutable_state():
    """No mutable variables at file scope or static in functions: nothing but the log, signal flags, curses and libraries'
    entry points keeps state outside what it is given. Read from the objects, so that nothing is overlooked."""
    v = makefile_variables()
    if any(f in v.get("SAN_CFLAGS", "") for f in ("-fsanitize", "--coverage")):
        raise Skip("sanitizers and coverage keep variables of their own")
    for archive in sorted(f for f in os.listdir(BUILD) if f.startswith("lib") and f.endswith(".a")):
        p = subprocess.run(["nm", "--format=sysv", archive], capture_output=True, text=True, cwd=BUILD)
        member = ""
        for line in p.stdout.splitlines():
            m = re.match(r".*\[(.*\.o)\]:|(\S+\.o):$", line)
            if line.startswith("Symbols from"):
                member = re.search(r"\[?([\w.-]+\.o)", line.split(":")[0].split("[")[-1]).group(1)
                continue
            if m:
                member = m.group(1) or m.group(2)
                continue
            cells = [c.strip() for c in line.split("|")]
            if len(cells) == 7 and cells[3] == "OBJECT" and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)", cells[6]):
                source = source_of(archive, member)
                if not any(a in source for a in MUTABLE_ALLOWED):
                    yield f"{source}: {cells[0]} is a mutable variable of the whole process"


def source_of(archive, member):
    """core/base/log.c from libbase.a and libbase_a-log.o or log.o."""
    stem = member[:-2].split("_a-", 1)[-1]
    room = {"libcli.a": "tui/cli", "libtui.a": "tui", "libproviders.a": "providers"}.get(archive, "core/" + archive[3:-2])
    hits = [f for f in files(".c") if f.startswith(room + "/") and os.path.basename(f) == stem + ".c"]
    return hits[0] if hits else f"{archive}({member})"


LONG_FILE, LONG_TEST, LONG_FUNCTION = 800, 1200, 120


def not_too_long():
    """Past 800 lines there are two ideas in a file (a list of cases may go on to 1,200); past 120 there are several in a
    function."""
    for path in files(".c", ".h", ".py", ".sh"):
        n = read(path).count("\n")
        if n > (LONG_TEST if path.startswith("tests/") else LONG_FILE):
            yield f"{path}: {n} lines; two ideas in one file?"
    for path in files(".c"):
        start = None
        for n, line in lines(path):
            if line == "{":
                start = n
            elif line == "}" and start:
                if n - start > LONG_FUNCTION:
                    yield f"{path}:{start}: a function of {n - start} lines"
                start = None


def layout():
    """No blanks at line ends, tabs in C, a newline at the end, at most 170 columns (120 is the aim)."""
    for path in text_files():
        text = read(path)
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"
        for n, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{n}: blanks at the end of the line"
            if path.endswith((".c", ".h")):
                if re.match(r"\t* {8,}", line):
                    yield f"{path}:{n}: indented with blanks"
                if len(line.expandtabs(8)) > 170:
                    yield f"{path}:{n}: {len(line.expandtabs(8))} columns"


def no_private_paths():
    """Nothing names a person's home, the machine it was built on, or folders beside the project that a user does not have."""
    bad = re.compile(r"/(?:home|Users)/[a-z]\w+|/root/|/work/|/tmp/w/|\.pyenv")
    allowed = {"tests/lint/lint.py", "tests/lint/fresh_machine.sh"}
    for path in text_files():
        if path in allowed:
            continue
        for n, line in lines(path):
            m = bad.search(line)
            if m:
                yield f"{path}:{n}: {m.group(0)}"


def nothing_left_over():
    """No notes to ourselves: what is not done is an issue, not a comment."""
    bad = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|<<<<<<< |>>>>>>> ")
    for path in text_files():
        for n, line in lines(path):
            if bad.search(line) and path != "tests/lint/lint.py":
                yield f"{path}:{n}: {line.strip()[:80]}"


NOT_SHIPPED = {".gitignore", "Makefile.am", "configure.ac"}


def everything_is_shipped():
    """What git tracks is named in a makefile, itself or a folder above it: so it is in the tarball."""
    try:
        p = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=TOP)
    except OSError:
        raise Skip("no git here") from None
    if p.returncode or not p.stdout:
        raise Skip("not a git checkout")
    makefiles = " ".join(read(f) for f in text_files() if f.endswith((".mk", ".am")))
    words = set(makefiles.split())
    for path in p.stdout.split("\n"):
        parts = path.split("/")
        above = {"/".join(parts[:i + 1]) for i in range(len(parts))}
        if path and path not in NOT_SHIPPED and not path.endswith("local.mk") and not above & words:
            yield f"{path}: named in no makefile"


class Skip(Exception):
    pass


RULES = [layers, headers_alone, banned_functions, prototypes_commented, files_open_with_purpose, no_mutable_state,
         not_too_long, layout, no_private_paths, nothing_left_over, everything_is_shipped]


def main():
    print(f"1..{len(RULES)}")
    for i, rule in enumerate(RULES, 1):
        name = rule.__name__.replace("_", " ")
        try:
            found = list(rule())
        except Skip as why:
            print(f"ok {i} - {name} # SKIP {why}")
            continue
        print(f"{'not ok' if found else 'ok'} {i} - {name}")
        for line in found[:50]:
            print(f"# {line}")
        if len(found) > 50:
            print(f"# and {len(found) - 50} more")
        sys.stdout.flush()


main()
