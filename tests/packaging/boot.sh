#!/usr/bin/env bash
# Boots a Debian root with its systemd, and runs /given/inside.sh in it:  boot.sh ROOT SECONDS [OPTION…]
#
# Prints what inside.sh prints; its standard error only when it fails. Powers off when it ends, or kills the whole after so
# many seconds. The options are systemd-nspawn's. Needs root and systemd-nspawn: where it lacks these, or they don't boot,
# it exits with 77, or with 1 if AUDITFERRY_PACKAGING=required.
set -euo pipefail
root=${1:?which root?} patience=${2:?how long?}
shift 2

lacking() {
    echo "boot.sh: $1" >&2
    [[ ${AUDITFERRY_PACKAGING:-} == required ]] && exit 1
    exit 77
}

[[ $EUID -eq 0 ]] || lacking 'a container is booted by root alone'
command -v systemd-nspawn >/dev/null || lacking 'systemd-nspawn is missing: apt-get install systemd-container'

cat >"$root/etc/systemd/system/inside.service" <<'UNIT'
[Unit]
After=network.target

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/bash -c 'exec /given/inside.sh >/given/out 2>/given/log'
ExecStopPost=/bin/bash -c 'echo "$EXIT_STATUS" >/given/exit; exec systemctl poweroff --no-block'
UNIT
install -d "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../inside.service "$root/etc/systemd/system/multi-user.target.wants/"

booted=0
timeout --kill-after=10 "$patience" systemd-nspawn --quiet --directory="$root" --register=no --keep-unit \
    --link-journal=no --boot "$@" >"$root/given/console" 2>&1 </dev/null || booted=$?
cat "$root/given/out" 2>/dev/null || true
if [[ ! -f $root/given/exit ]]; then
    tail -n 30 "$root/given/console" >&2
    [[ -f $root/given/out ]] || lacking "systemd did not boot in a container (exit $booted)"
fi
if [[ $(cat "$root/given/exit" 2>/dev/null) != 0 ]]; then
    tail -n 80 "$root/given/log" >&2
    exit 1
fi
