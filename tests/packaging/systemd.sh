#!/usr/bin/env bash
# Runs the unit of deploy/systemd with a real systemd:  systemd.sh BINARY
#
# Boots a bare Debian 12 in a container without a network and does in it what deploy/systemd/README.md says, with
# `auditferry simulate` as provider and receiver; then kills, hangs, breaks and stops the service (systemd/inside.sh).
# Prints a line for each check. BINARY may be a debug build.
#
# Needs root, systemd-nspawn (Debian: systemd-container) and what root.sh needs. Where it lacks these it exits with 77,
# or with 1 if AUDITFERRY_PACKAGING=required. Takes about two minutes, and two more when the root is made.
set -euo pipefail

binary=$(readlink -f "${1:?which binary?}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=$PATH:/usr/sbin:/sbin

mkdir -p target/packaging
work=$(mktemp -d "$PWD/target/packaging/systemd.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
# One root for systemd.sh, deb.sh and rpm.sh, so that it is made once.
tests/packaging/root.sh "$root" bash-completion ca-certificates curl dbus man-db sudo systemd systemd-sysv

install -d "$root/given"
install -m 0755 "$binary" "$root/given/auditferry"
install -m 0644 deploy/systemd/auditferry.service deploy/systemd/auditferry.sysusers "$root/given/"
install -m 0755 tests/packaging/systemd/inside.sh "$root/given/"
# A boot that hangs is ended after this many seconds.
tests/packaging/boot.sh "$root" 540 --private-network
