#!/bin/bash
# What systemd.sh does in the container, as its root. On standard output a line for each check, what was seen on
# shellcheck disable=SC2317  # called by name
# standard error. Ends with the number of checks that did not hold.
set -uo pipefail

readonly UNIT=auditferry.service PROVIDER=127.0.0.1:8989 PAGE=127.0.0.1:9464
readonly CONFIG=/etc/auditferry/auditferry.toml
readonly HUBSPOT_TOKEN=correct-horse BREVO_KEY=battery-staple
# More than anything takes on a busy machine.
readonly PATIENCE=90
# New events a second.
readonly RATE=3
failed=0

# check WHAT COMMAND…: whether the command succeeds, at once.
check() {
    local what=$1
    shift
    if "$@" >&2; then
        printf 'ok      %s\n' "$what"
    else
        printf 'NOT OK  %s\n' "$what"
        printf '^^^ not ok: %s\n' "$what" >&2
        systemctl status --no-pager --full "$UNIT" >&2
        failed=$((failed + 1))
    fi
}

# soon WHAT COMMAND…: whether it succeeds within a while.
soon() { check "$1" within_patience "${@:2}"; }

within_patience() {
    local end=$((SECONDS + PATIENCE))
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.3
    done
}

property() { systemctl show --value --property="$1" "$UNIT"; }
is() { [[ $(property "$1") == "$2" ]]; }
says() { [[ $(property StatusText) == *"$1"* ]]; }
# Not `grep --quiet`: it ends at the first line, and who writes to it then fails.
logged() { journalctl --unit="$UNIT" --output=cat --no-pager | grep -- "$1" >/dev/null; }
get() { curl --silent --show-error --max-time 10 "$@"; }
refused() { ! "$@"; }
set_rate() { get --output /dev/null --request PUT "http://$PROVIDER/simulator/rate" --data "{\"per_second\":$1}"; }
# Everything that happened has arrived at the receiver, once under its id.
complete() {
    local comparison
    comparison=$(get "http://$PROVIDER/receiver/$1/compare") || return 1
    [[ $comparison == *'"missing":0'* && $comparison == *'"doubled":0'* ]]
}
# The same, with no new events meanwhile, which a busy machine would never catch up with.
all_arrived() {
    local arrived=0
    set_rate 0
    within_patience complete main || arrived=1
    set_rate "$RATE"
    return "$arrived"
}
received() { get "http://$PROVIDER/receiver/$1/events" | grep -- "$2" >/dev/null; }
# One of the daemon's own events, in the file of the file sink.
told() { grep --quiet -- "\"action\":\"$1\"" /var/log/auditferry/events.ndjson; }
another_process() {
    local now
    now=$(property MainPID)
    [[ $now != 0 && $now != "$1" ]] && is ActiveState active
}
drop_in() {
    install -d "/etc/systemd/system/$UNIT.d"
    cat >"/etc/systemd/system/$UNIT.d/$1.conf"
    systemctl daemon-reload
}

configure() {
    cat >"$CONFIG" <<TOML
[sources.hubspot]
type = "hubspot"
base_url = "http://$PROVIDER"
token = { credential = "hubspot_token" }
poll_interval = "1s"
requests_per_10s = 1000

[sources.brevo]
type = "brevo"
base_url = "http://$PROVIDER"
api_key = { credential = "brevo_key" }
poll_interval = "1s"
requests_per_hour = 100000

[sinks.receiver]
type = "http"
endpoint = "http://$PROVIDER/receiver/main"
TOML
    cat >>"$CONFIG"
}

install_by_hand() {
    cd /given || return 1
    install -m 0755 auditferry /usr/bin/auditferry &&
        install -m 0644 auditferry.service /etc/systemd/system/auditferry.service &&
        install -D -m 0644 auditferry.sysusers /etc/sysusers.d/auditferry.conf &&
        systemd-sysusers &&
        install -d -m 0755 /etc/auditferry &&
        install -d -m 0700 /etc/auditferry/credentials &&
        install -m 0640 -g auditferry /dev/null "$CONFIG" &&
        (umask 077 && printf %s "$HUBSPOT_TOKEN" >/etc/auditferry/credentials/hubspot_token) &&
        (umask 077 && printf %s "$BREVO_KEY" >/etc/auditferry/credentials/brevo_key) &&
        systemctl daemon-reload
}

start_provider() {
    cat >/etc/systemd/system/provider.service <<UNIT
[Service]
ExecStart=/usr/bin/auditferry simulate --listen $PROVIDER --events 500 --rate $RATE --hubspot-token $HUBSPOT_TOKEN --brevo-key $BREVO_KEY
UNIT
    systemctl daemon-reload
    systemctl start provider.service
    within_patience get --output /dev/null "http://$PROVIDER/receiver/main/stats"
}

exposure() {
    local words
    words=$(systemd-analyze security --no-pager "$UNIT" | tail -n 1)
    printf '        %s\n' "${words#*→ }"
    systemd-analyze security --no-pager --threshold=15 "$UNIT" >/dev/null
}

check 'installs by hand' install_by_hand
check 'a provider that takes one token alone' start_provider
check 'the unit has no fault' systemd-analyze verify --man=no "$UNIT"
exposure
check 'its exposure is 1.5 at most' systemd-analyze security --no-pager --threshold=15 "$UNIT"
configure </dev/null
# Restarts are waited for below.
drop_in quick <<<$'[Service]\nRestartSec=1s'

# Ready means ready: with an address that is taken it never is.
echo "AUDITFERRY__SERVER__LISTEN=$PROVIDER" >/etc/default/auditferry
check 'with the address of the status page taken it is never active' refused timeout 20 systemctl start "$UNIT"
check 'and says so' logged 'server.listen'
systemctl stop "$UNIT"
rm /etc/default/auditferry

check 'starts' systemctl start "$UNIT"
check 'when it is active, it answers' get --fail --output /dev/null "http://$PAGE/healthz"
soon 'its status line counts streams and sinks' says '4 streams, 1 sink'
check 'events arrive: the credentials were read' all_arrived
pid=$(property MainPID)
check 'it runs as its own user' test "$(stat --format=%U "/proc/$pid")" = auditferry
check 'its state is its own alone' test "$(stat --format=%U:%a /var/lib/auditferry)" = auditferry:700
check 'its environment holds no secret' refused grep -q -e "$HUBSPOT_TOKEN" -e "$BREVO_KEY" "/proc/$pid/environ"
check 'auditferry health' auditferry health
soon 'auditferry health --ready, as its user' sudo -u auditferry auditferry health --ready
check 'auditferry status, as its user' sudo -u auditferry auditferry status
check 'auditferry check, with the credentials' \
    env CREDENTIALS_DIRECTORY=/etc/auditferry/credentials auditferry check --offline

# Reload.
configure <<<"
[sinks.second]
type = \"http\"
endpoint = \"http://$PROVIDER/receiver/second\"

[sinks.archive]
type = \"file\"
path = \"/var/log/auditferry/events.ndjson\""
check 'reloads a good file' systemctl reload "$UNIT"
soon 'and works with it' says '3 sinks'
soon 'the new receiver gets events' received second '"dataset":"hubspot'
soon 'the SIEM hears of it' told configuration-reloaded
soon 'a file sink writes below /var/log/auditferry' test -s /var/log/auditferry/events.ndjson
check 'in the same process' test "$(property MainPID)" = "$pid"
cp "$CONFIG" "$CONFIG.good"
echo 'pol_interval = "1m"' >>"$CONFIG"
check 'with a bad file, systemctl reload fails' refused systemctl reload "$UNIT"
soon 'the daemon rejects it, and the status line says so' says 'configuration is rejected'
soon 'the SIEM hears of it, too' told configuration-rejected
check 'the log has a code for it' logged '"code":"configuration-rejected"'
check 'it goes on' is ActiveState active
cp "$CONFIG.good" "$CONFIG"
systemctl reload "$UNIT"
soon 'mended, the status line is as before' says 'streams, 3 sinks'

# kill -9.
kill -KILL "$pid"
soon 'killed, it is started again' another_process "$pid"
check 'and nothing is lost' all_arrived
check 'after one restart' is NRestarts 1

# A process that hangs.
drop_in watchdog <<<$'[Service]\nWatchdogSec=15s\nTimeoutAbortSec=5s'
systemctl restart "$UNIT"
pid=$(property MainPID)
sleep 20
check 'fed for longer than its time, the watchdog lets it live' test "$(property MainPID)" = "$pid"
kill -STOP "$pid"
check 'auditferry health knows that it hangs' refused auditferry health
soon 'hung, it is killed by the watchdog and started again' another_process "$pid"
check 'for that reason' logged 'Watchdog timeout'
check 'and nothing is lost' all_arrived
rm "/etc/systemd/system/$UNIT.d/watchdog.conf"

# An encrypted credential.
install -d -m 0700 /etc/credstore.encrypted
systemd-creds encrypt --name=hubspot_token /etc/auditferry/credentials/hubspot_token \
    /etc/credstore.encrypted/hubspot_token >&2
rm /etc/auditferry/credentials/hubspot_token
drop_in encrypted <<<$'[Service]\nLoadCredentialEncrypted=hubspot_token:/etc/credstore.encrypted/hubspot_token'
check 'restarts with an encrypted credential' systemctl restart "$UNIT"
check 'and reads it' all_arrived

# Stop.
set_rate 0
soon 'everything has arrived' complete main
before=$SECONDS
check 'stops' systemctl stop "$UNIT"
check 'within ten seconds' test $((SECONDS - before)) -le 10
check 'in order' is Result success
check 'with exit status 0' is ExecMainStatus 0
check 'with everything delivered' complete main
check 'auditferry health knows that it is stopped' refused auditferry health

# A configuration that is bad from the start.
echo 'pol_interval = "1m"' >>"$CONFIG"
check 'with a bad file it does not start' refused systemctl start "$UNIT"
check 'with exit status 2' is ExecMainStatus 2
sleep 5
check 'and is not tried again' is ActiveState failed
status=$(systemctl status --no-pager --full "$UNIT")
check 'systemctl status shows the fault' grep -q 'pol_interval' <<<"$status"
cp "$CONFIG.good" "$CONFIG"
check 'mended, it starts' systemctl start "$UNIT"

journalctl --unit="$UNIT" --output=short-monotonic --no-pager | tail -n 60 >&2
exit "$failed"
