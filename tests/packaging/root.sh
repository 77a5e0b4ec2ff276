#!/usr/bin/env bash
# Makes the root of a bare Debian 12, with packages:  root.sh DIRECTORY [PACKAGE…]
#
# DIRECTORY must not be there yet, or be empty. What was made once is kept as target/packaging/root-*.tar, one for each list of
# packages, and unpacked from there: seconds, and no network. To make it anew, delete the file.
#
# Needs root, debootstrap and, the first time, the network. Where it lacks these it exits with 77, or with 1 if
# AUDITFERRY_PACKAGING=required.
set -euo pipefail

readonly SUITE=bookworm
directory=${1:?which directory?}
shift
cache=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target/packaging
PATH=$PATH:/usr/sbin:/sbin

lacking() {
    echo "root.sh: $1" >&2
    [[ ${AUDITFERRY_PACKAGING:-} == required ]] && exit 1
    exit 77
}

[[ $EUID -eq 0 ]] || lacking 'a root is made by root alone'
command -v debootstrap >/dev/null || lacking 'debootstrap is missing: apt-get install debootstrap'

mkdir -p "$cache" "$directory"
if [[ -n $(ls -A "$directory") ]]; then
    echo "root.sh: $directory is not empty" >&2
    exit 1
fi

packages=$(printf '%s\n' "$@" | LC_ALL=C sort -u | paste -sd,)
tarball=$cache/root-$SUITE-$(printf '%s' "$packages" | sha256sum | cut -c1-12).tar

# Two scripts may want the same one at the same time.
exec 9>"$cache/root.lock"
flock 9
if [[ ! -f $tarball ]]; then
    made=$(mktemp -d "$cache/root.XXXXXX")
    trap 'rm -rf "$made" "$tarball.new"' EXIT
    chmod 0755 "$made"
    mkdir -p "$cache/debs"
    if ! debootstrap --variant=minbase ${packages:+--include="$packages"} --cache-dir="$cache/debs" \
        "$SUITE" "$made" >"$cache/debootstrap.log" 2>&1; then
        tail -n 5 "$cache/debootstrap.log" >&2
        lacking "debootstrap failed, see $cache/debootstrap.log; does it have the network?"
    fi
    rm -rf "$made"/var/cache/apt/archives/*.deb "$made"/var/lib/apt/lists/*
    tar --create --numeric-owner --xattrs --file "$tarball.new" --directory "$made" .
    mv "$tarball.new" "$tarball"
fi
flock -u 9
tar --extract --numeric-owner --xattrs --file "$tarball" --directory "$directory"
