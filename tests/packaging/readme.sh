#!/usr/bin/env bash
# Does in a bare Debian 12 with a real systemd what the README says, and nothing else:  readme.sh
#
# Rust and a C compiler are there, as the README wants. Its demo is run, then the commands of "Keep it running" as they
# stand there, with `auditferry simulate` as provider and receiver. Prints what each step took.
#
# Needs root, systemd-nspawn, the network for the crates, and what root.sh needs. Where it lacks these it exits with 77, or
# with 1 if AUDITFERRY_PACKAGING=required. Takes as long as an optimised build, and a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=$PATH:/usr/sbin:/sbin

mkdir -p target/packaging
work=$(mktemp -d "$PWD/target/packaging/readme.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
tests/packaging/root.sh "$root" systemd systemd-sysv dbus ca-certificates gcc libc6-dev

# This machine's Rust, and the authorities that it trusts besides Debian's.
sysroot=$(rustc --print sysroot)
tar --create --directory "$sysroot" --exclude=share/doc . | tar --extract --directory "$root/usr/local"
mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
chroot "$root" update-ca-certificates >/dev/null 2>&1

install -d "$root/root/auditferry" "$root/given"
git archive HEAD | tar --extract --directory "$root/root/auditferry"
# The first block of commands behind the heading.
awk '/^### 4\. Keep it running/ { here = 1 } inside && /^```$/ { exit } inside; here && /^```sh$/ { inside = 1 }' \
    README.md >"$root/given/service.sh"
grep -q 'systemctl enable --now auditferry' "$root/given/service.sh" || { echo 'readme.sh: the README has changed' >&2; exit 1; }

cat >"$root/given/inside.sh" <<'INSIDE'
#!/bin/bash
# What readme.sh does in the container.
set -euo pipefail
export HOME=/root CARGO_TERM_COLOR=never
cd /root/auditferry

step() {
    local title=$1 started=$SECONDS
    shift
    "$@"
    printf '%-60s %4d s\n' "$title" "$((SECONDS - started))"
}

demo() {
    cargo run --release --locked -- demo --for 20s >/tmp/events
    grep -q '"dataset":"hubspot.login"' /tmp/events
    printf '  %d events\n' "$(wc -l </tmp/events)"
}

# As the README says under "Trying faults"; the token stands in a file, as for a service.
configure() {
    target/release/auditferry simulate >/tmp/simulated.txt 2>/dev/null &
    until grep -q '^# Paste' /tmp/simulated.txt; do sleep 0.2; done
    sleep 1
    sed -n '/^# Paste/,$p' /tmp/simulated.txt | sed -e 's/^token = "pat.*/token = { credential = "hubspot_token" }/' \
        -e '/^state_dir/d' >auditferry.toml
    grep -q credential auditferry.toml
    sed -n 's/^token = "\(pat[^"]*\)".*/\1/p' /tmp/simulated.txt >/tmp/token
}

# As they stand in the README; the token is what is pasted.
service() { bash -euo pipefail /given/service.sh </tmp/token; }

delivers() {
    local end=$((SECONDS + 60))
    until /usr/bin/auditferry status --output json | grep -Eq '"delivered": ?[1-9]'; do
        ((SECONDS < end))
        sleep 0.5
    done
    /usr/bin/auditferry health
    /usr/bin/auditferry status
    systemctl show --value --property=StatusText auditferry
}

step 'README: cargo run --release -- demo --for 20s' demo
step '(a configuration for the stand-ins)' configure
step 'README: 4. Keep it running' service
step 'events are delivered' delivers
INSIDE
chmod 0755 "$root/given/inside.sh"
tests/packaging/boot.sh "$root" 5400 --resolv-conf=replace-host
