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
# A boot that hangs is ended after this many seconds.
readonly PATIENCE=540

lacking() {
    echo "systemd.sh: $1" >&2
    [[ ${AUDITFERRY_PACKAGING:-} == required ]] && exit 1
    exit 77
}

[[ $EUID -eq 0 ]] || lacking 'a container is booted by root alone'
command -v systemd-nspawn >/dev/null || lacking 'systemd-nspawn is missing: apt-get install systemd-container'

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
cat >"$root/etc/systemd/system/checks.service" <<'UNIT'
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/bash -c 'exec /given/inside.sh >/given/out 2>/given/log'
ExecStopPost=/bin/bash -c 'echo "$EXIT_STATUS" >/given/exit; exec systemctl poweroff --no-block'
UNIT
install -d "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../checks.service "$root/etc/systemd/system/multi-user.target.wants/"

booted=0
timeout --kill-after=10 "$PATIENCE" systemd-nspawn --quiet --directory="$root" --register=no --keep-unit \
    --private-network --link-journal=no --boot >"$work/console" 2>&1 </dev/null || booted=$?
if [[ ! -f $root/given/exit ]]; then
    tail -n 30 "$work/console" >&2
    cat "$root/given/out" 2>/dev/null || true
    [[ -f $root/given/out ]] && { tail -n 40 "$root/given/log" >&2; exit 1; }
    lacking "systemd did not boot in a container (exit $booted)"
fi
cat "$root/given/out"
if [[ $(<"$root/given/exit") != 0 ]]; then
    tail -n 80 "$root/given/log" >&2
    exit 1
fi
