#!/bin/sh
# The two commands of the README on a machine that has nothing: a minimal Debian in a folder, made by debootstrap, with a
# copy of what git tracks here. Needs root, debootstrap and a Debian mirror, and takes minutes: not part of make check.
#
#   sudo tests/lint/fresh_machine.sh [SUITE [MIRROR]]      bookworm and http://deb.debian.org/debian unless given
#   KEEP=1 leaves the folder there; FRESH=DIR uses (and keeps) a folder made before, without its build.
#   ONLY=run or ONLY=check does one of the two.
set -eu
suite=${1:-bookworm}
mirror=${2:-http://deb.debian.org/debian}
top=$(cd "$(dirname "$0")/../.." && pwd -P)
[ "$(id -u)" = 0 ] || { echo "fresh_machine: needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "fresh_machine: needs debootstrap" >&2; exit 2; }

root=${FRESH:-$(mktemp -d /tmp/skytop-fresh.XXXXXX)}
finish() {
  umount "$root/proc" "$root/dev/pts" "$root/dev/shm" 2>/dev/null || true
  [ -n "${KEEP-}${FRESH-}" ] || rm -rf "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ ! -x "$root/bin/sh" ]; then
  debootstrap --variant=minbase "$suite" "$root" "$mirror"
fi
chmod 755 "$root" # mktemp made it private: nobody but root could do anything inside
cp /etc/resolv.conf "$root/etc/resolv.conf"
echo '127.0.0.1 localhost' >"$root/etc/hosts" # an installer writes it, debootstrap does not
mkdir -p "$root/dev/pts" "$root/dev/shm"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev/pts" || mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mountpoint -q "$root/dev/shm" || mount -t tmpfs tmpfs "$root/dev/shm"
ln -sf pts/ptmx "$root/dev/ptmx"
rm -rf "$root/root/skytop"
mkdir -p "$root/root/skytop"
(cd "$top" && git ls-files -z | tar --null -T - -cf -) | tar -xf - -C "$root/root/skytop"
mkdir "$root/root/skytop/.git" # a clone, as far as bootstrap is concerned

inside() {
  echo "--- $*"
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb /bin/sh -c "cd /root/skytop && $*"
}
# What is missing, before and after, so that the log shows where this began.
inside 'command -v gcc make pkg-config || echo "neither compiler nor make here"'
[ "${ONLY-run}" != run ] || inside './bootstrap run launch -y -c hello share/recipes/hello.yaml'
[ "${ONLY-run}" != run ] || inside './build/skytop down -y hello && ./build/skytop engine stop'
[ "${ONLY-check}" != check ] || inside '.ci/run'
echo "fresh_machine: both commands are green on $suite"
