#!/bin/sh
# What deb.sh runs in its booted root, where the package is installed: /results has a line for each thing tried.
set -u

try() {
    what=$1
    shift
    if "$@" >>/said 2>&1; then echo "ok $what"; else echo "no $what"; fi >>/results
}
is_active() { systemctl --quiet is-active auditferry; }
is_inactive() { ! is_active; }
process() { systemctl show --property=MainPID --value auditferry; }
is_another_process() { is_active && [ "$(process)" != "$before" ]; }

cat >/etc/auditferry/auditferry.toml <<'CONFIGURATION'
[sources.hubspot]
type = "hubspot"
token = { credential = "hubspot_token" }

[sinks.out]
type = "stdout"
CONFIGURATION
echo secret >/etc/auditferry/credentials/hubspot_token
# When it is ready is the matter of another test: here a process that runs will do.
mkdir -p /etc/systemd/system/auditferry.service.d
printf '[Service]\nType=exec\nWatchdogSec=0\n' >/etc/systemd/system/auditferry.service.d/running.conf
systemctl daemon-reload

# As it stands there, but nobody can be asked from here.
sed -n '/systemd-run/,/auditferry check/ { s/sudo //; s/auditferry check/& --offline/; p }' \
    /usr/share/auditferry/first-steps.txt >/check.sh
try 'the second of the first steps works' sh -e /check.sh
try 'the third one, too' systemctl enable --now auditferry
try 'it runs' is_active

before=$(process)
try 'an upgrade installs' dpkg --force-confold --install /later.deb
try 'an upgrade restarts a service that runs' is_another_process
systemctl stop auditferry
try 'the same again installs' dpkg --force-confold --install /later.deb
try 'it leaves a stopped service alone' is_inactive

systemctl start auditferry
try 'it can be removed while it runs' dpkg --remove auditferry
try 'a removal stops it' is_inactive
