#!/bin/sh
# bootstrap with a machine made of stand-ins: a PATH that has the usual small tools and, as each case wants, a compiler, a
# pkg-config and an apt-get that write down how they were called. Nothing is installed and nothing is really built.
: "${top_srcdir:=.}"
SKYTOP=${SKYTOP:-none}
. "$top_srcdir/tests/cli/tap.sh"
top_srcdir=$(cd "$top_srcdir" && pwd)
bin=$tmp/bin calls=$tmp/calls
mkdir "$bin"
export TMPDIR="$tmp"
for tool in sh cat cp mkdir rm ln chmod sed awk grep sort tr tail head cut dirname readlink cksum printf env uname mv ls wc tee; do
  where=$(command -v "$tool") && case $where in /*) ln -s "$where" "$bin/$tool" ;; esac
done

# stand_in NAME: a program that does what the text on stdin says, after its call was written down.
stand_in() {
  {
    echo '#!/bin/sh'
    echo "echo \"$1 \$*\" >>'$calls'"
    cat
  } >"$bin/$1"
  chmod +x "$bin/$1"
}
stand_in id <<'X'
echo "${FAKE_UID:-0}"
X
stand_in nproc <<'X'
echo 3
X
stand_in sudo <<'X'
exec "$@"
X
# What is installed is a file in $tmp/installed; apt-get makes them, unless the network is down.
mkdir "$tmp/installed"
stand_in pkg-config <<X
[ -e "$tmp/installed/\$2" ]
X
stand_in apt-get <<X
[ "\${APT_DOWN-}" ] && { echo 'E: Unable to fetch some archives'; exit 100; }
case " \$* " in
*" install "*) touch $tmp/installed/ncursesw $tmp/installed/yaml-0.1 $tmp/installed/jansson $tmp/installed/sqlite3 \\
  $tmp/installed/libcrypto $tmp/installed/libcurl $tmp/installed/libssh2 $tmp/installed/libarchive $tmp/installed/cmocka $tmp/installed/vterm ;;
esac
exit 0
X
ln -s "$(command -v touch)" "$bin/touch"
for tool in autoconf automake python3 shellcheck busybox sshd curl; do stand_in $tool </dev/null; done
stand_in autoreconf <<'X'
printf '#!/bin/sh\n[ -z "${CONFIGURE_FAILS-}" ] || { echo "configure: error: no luck"; exit 1; }\necho all: >Makefile\n' >configure
chmod +x configure
X
stand_in cc <<'X'
while [ $# -gt 0 ]; do [ "$1" != -o ] || : >"$2"; shift; done
X
stand_in make <<'X'
case " $* " in
*" all "*)
  printf '#!/bin/sh\necho "cwd $(pwd)"\nfor a in "$@"; do echo "<$a>"; done\nexit 42\n' >skytop
  chmod +x skytop
  echo "noise of the compiler"
  ;;
*" check "*)
  echo "FAIL: tests/x 2 - it broke"
  echo "SKIP: tests/y 1 - later # SKIP no gpu"
  printf '# TOTAL: 12\n# PASS:  9\n# SKIP:  1\n# XFAIL: 1\n# FAIL:  ${FAILS:-0}\n# XPASS: 0\n# ERROR: 0\n' | sed "s/\${FAILS:-0}/${FAILS:-0}/"
  [ "${FAILS:-0}" = 0 ]
  ;;
esac
X

# A clone, in a folder with blanks and a quote in its name.
clone="$tmp/my clone's/of it"
mkdir -p "$clone/.git" "$tmp/elsewhere"
cp "$top_srcdir/bootstrap" "$clone/bootstrap"

boot() { # ARGUMENTS...
  : >"$calls"
  (cd "$tmp/elsewhere" && PATH="$bin" "$bin/sh" "$clone/bootstrap" "$@") >"$tmp/out" 2>"$tmp/err" </dev/null
  status=$?
  out=$(cat "$tmp/out")
  err=$(cat "$tmp/err")
  called=$(cat "$calls")
}

# It looks for exactly what configure asks for.
asked=$(sed -n 's/^PKG_CHECK_MODULES(\[[A-Z]*\], \[\([a-z0-9.-]*\).*/\1/p' "$top_srcdir/configure.ac" | sort | tr '\n' ' ')
looked=$(sed -n 's/^[a-z]*  *pc  *\([a-z0-9.-]*\) .*/\1/p' "$top_srcdir/bootstrap" | sort | tr '\n' ' ')
ok "bootstrap and configure want the same libraries" test -n "$asked" -a "$asked" = "$looked"

boot
ok "without a word: usage, 2" test "$status" = 2
boot frobnicate
ok "an unknown word" contains "$err" "there is no 'frobnicate'"
boot --help
ok "--help" contains "$out" "./bootstrap check"
boot check now
ok "check takes no arguments" test "$status" = 2

APT_DOWN=1
export APT_DOWN
boot build
ok "the mirror is down" test "$status" = 1
ok "the mirror is down: what apt said" contains "$err" "Unable to fetch"
ok "the mirror is down: which packages" contains "$err" "could not install: libarchive-dev libcurl4-openssl-dev"
unset APT_DOWN

boot run launch 'two words' "it's" ''
ok "run: the program's own status" test "$status" = 42
ok "run: nothing but its output" test "$out" = "cwd $tmp/elsewhere
<launch>
<two words>
<it's>
<>"
ok "run: what was installed is said" contains "$err" "installing with apt-get: libarchive-dev libcurl4-openssl-dev"
ok "apt-get update" contains "$called" "apt-get -q update"
ok "apt-get install, exactly what is missing" contains "$called" \
  "apt-get -q -y --no-install-recommends install libarchive-dev libcurl4-openssl-dev libjansson-dev libncurses-dev libsqlite3-dev libssh2-1-dev libyaml-dev ca-certificates"
ok "as root without sudo" lacks "$called" sudo
ok "the compiler's noise stays away" lacks "$out$err" "noise"

boot run
ok "again: nothing is missing, nothing is installed" lacks "$called" apt-get
ok "again: nothing is configured" lacks "$called" autoreconf
ok "again: two lines at most" test "$(grep -c . "$tmp/err")" -le 2

rm "$tmp/installed/cmocka" "$tmp/installed/jansson"
FAKE_UID=1000
export FAKE_UID
boot check
ok "not root: sudo" contains "$called" "sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install libcmocka-dev libjansson-dev"
ok "check: the last line" test "$(tail -n 1 "$tmp/out")" = "10 passed, 0 failed, 1 skipped"
ok "check: 0" test "$status" = 0
ok "check: what was skipped is told" contains "$out" "no gpu"
FAILS=2
export FAILS
boot check
ok "check: failures" test "$(tail -n 1 "$tmp/out")" = "10 passed, 2 failed, 1 skipped"
ok "check: 1" test "$status" = 1
ok "check: which" contains "$out" "tests/x 2 - it broke"
unset FAILS

rm "$bin/sudo" "$tmp/installed/jansson"
boot build
ok "neither root nor sudo" contains "$err" "as root: apt-get install libjansson-dev"
mv "$bin/apt-get" "$tmp/apt-get"
boot build
ok "no package manager" contains "$err" "no apt, dnf, pacman or brew"
stand_in dnf </dev/null
FAKE_UID=0
boot build
ok "dnf: its own names" contains "$called" "dnf -y install jansson-devel"
ok "what is still missing is told" contains "$err" "still missing: jansson"
rm "$bin/dnf"
touch "$tmp/installed/jansson"

mv "$bin/cc" "$tmp/cc"
boot build
ok "no compiler" contains "$err" "missing: a C compiler"
mv "$tmp/cc" "$bin/cc"

rm -rf "$clone/build" "$clone/configure"
CONFIGURE_FAILS=1
export CONFIGURE_FAILS
boot build
ok "configure fails" test "$status" = 1
ok "configure fails: its words" contains "$err" "configure: error: no luck"
unset CONFIGURE_FAILS

# Somebody configured in the tree itself.
echo all: >"$clone/Makefile"
: >"$clone/config.status"
boot run
ok "a tree configured in place is built in place" test "$status" = 42 -a ! -e "$clone/build/skytop" -a -x "$clone/skytop"

done_testing
