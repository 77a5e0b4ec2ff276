#!/usr/bin/env bash
# Builds the image from the Dockerfile and tries it as a container:  image.sh
#
# No registry is asked: the base image that the Dockerfile names is made here, from a bare Debian and this machine's own
# Rust, and kept in target/packaging. The variables CARGO_PROFILE_RELEASE_… are passed on to the build: with
#   CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
# it takes a third of the time.
#
# Needs root, Debian with debootstrap, buildah, podman, runc and curl, rustup's Rust with the target for musl, and the
# network. Where it lacks these it exits with 77, or with 1 if AUDITFERRY_PACKAGING=required.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=$PATH:/usr/sbin:/sbin

lacking() {
    echo "image.sh: $1" >&2
    [[ ${AUDITFERRY_PACKAGING:-} == required ]] && exit 1
    exit 77
}

[[ $EUID -eq 0 ]] || lacking 'a Debian root is made by root alone'
for program in debootstrap buildah podman runc curl rustc; do
    command -v "$program" >/dev/null || lacking "$program is missing"
done
sysroot=$(rustc --print sysroot)
readonly SYSROOT=$sysroot
[[ -d $SYSROOT/lib/rustlib/$(uname -m)-unknown-linux-musl ]] ||
    lacking "the target is missing: rustup target add $(uname -m)-unknown-linux-musl"

readonly CACHE=$PWD/target/packaging
mkdir -p "$CACHE"
# Images and containers of our own, beside those that this machine may have.
readonly STORAGE=(--root "$CACHE/containers" --runroot "$CACHE/containers.run" --storage-driver overlay)
export BUILDAH_ISOLATION=chroot
buildah() { command buildah "${STORAGE[@]}" "$@"; }
podman() { command podman "${STORAGE[@]}" --runtime runc --cgroup-manager cgroupfs "$@"; }

work=$(mktemp -d "$CACHE/image.XXXXXX")
readonly WORK=$work
failures=0
clean_up() {
    # First the one that is in the other's network.
    podman rm --force --ignore --time 1 ferry >/dev/null 2>&1 || true
    podman rm --all --force --time 1 >/dev/null 2>&1 || true
    buildah rm --all >/dev/null 2>&1 || true
    podman volume rm --force auditferry-state >/dev/null 2>&1 || true
    # The storage's own mount, which else would keep the directory.
    umount "$CACHE/containers/overlay" 2>/dev/null || true
    rm -rf "$WORK"
}
trap clean_up EXIT
# What a run that was killed has left.
podman rm --all --force --time 1 >/dev/null 2>&1 || true

# check DESCRIPTION COMMAND…: one line of the result.
check() {
    local description=$1
    shift
    if "$@" >"$WORK/output" 2>&1; then
        printf 'ok      %s\n' "$description"
    else
        printf 'FAILED  %s\n' "$description"
        sed 's/^/            /' "$WORK/output" | tail -n 15
        failures=$((failures + 1))
    fi
}

# until_true SECONDS COMMAND…
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.5
    done
}

# ---- the base image ----

# What stands behind the name, for this Rust and these settings.
settings=$(env | grep '^CARGO_PROFILE_RELEASE_' | LC_ALL=C sort || true)
base=localhost/auditferry-base:$({ rustc -vV && echo "$settings"; } | sha256sum | cut -c1-12)

make_base() {
    local container mounted
    tests/packaging/root.sh "$WORK/root" ca-certificates gcc libc6-dev
    container=$(buildah from scratch)
    mounted=$(buildah mount "$container")
    cp -a "$WORK/root/." "$mounted/"
    rm -rf "$WORK/root"
    # As in the official image: rustup in /usr/local/cargo, toolchains in /usr/local/rustup.
    mkdir -p "$mounted/usr/local/cargo/bin" "$mounted/usr/local/rustup/toolchains"
    tar --create --directory "$(dirname "$SYSROOT")" --exclude=share/doc "$(basename "$SYSROOT")" |
        tar --extract --directory "$mounted/usr/local/rustup/toolchains"
    cp "$(command -v rustup)" "$mounted/usr/local/cargo/bin/rustup"
    local tool
    for tool in cargo rustc; do ln "$mounted/usr/local/cargo/bin/rustup" "$mounted/usr/local/cargo/bin/$tool"; done
    printf 'default_toolchain = "%s"\nversion = "12"\n' "$(basename "$SYSROOT")" \
        >"$mounted/usr/local/rustup/settings.toml"
    # A network that breaks TLS open has its own authorities, which this machine trusts.
    mkdir -p "$mounted/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$mounted/usr/local/share/ca-certificates/" 2>/dev/null || true
    chroot "$mounted" update-ca-certificates >/dev/null 2>&1
    local options=() setting
    while read -r setting; do [[ -z $setting ]] || options+=(--env "$setting"); done <<<"$settings"
    buildah umount "$container" >/dev/null
    buildah config --env RUSTUP_HOME=/usr/local/rustup --env CARGO_HOME=/usr/local/cargo \
        --env PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "${options[@]}" "$container"
    buildah commit --quiet --rm "$container" "$base" >/dev/null
}

buildah inspect --type image "$base" >/dev/null 2>&1 || make_base
name=$(sed -nE 's/^FROM (rust:\S+) AS build$/\1/p' Dockerfile)
buildah tag "$base" "docker.io/library/$name"

# ---- the image ----

version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml | sed -n 1p)
started=$SECONDS
# OCI's own format has no health check.
if ! buildah bud --layers --format docker --pull-never --build-arg VERSION="$version" --tag localhost/auditferry . \
    >"$CACHE/image.log" 2>&1; then
    tail -n 30 "$CACHE/image.log" >&2
    echo "image.sh: the image does not build, see $CACHE/image.log" >&2
    exit 1
fi
printf 'built in %d s\n' "$((SECONDS - started))"

container=$(buildah from --pull-never localhost/auditferry)
mounted=$(buildah mount "$container")
(cd "$mounted" && find . \( -type f -o -type l -o -type d -empty \) -printf '%10s  %m %U:%G  %p\n' | sort -k 4) |
    tee "$WORK/content"
only_what_belongs() {
    diff <(awk '{ print $4 }' "$WORK/content") \
        <(printf '%s\n' ./auditferry ./etc/ssl/certs/ca-certificates.crt ./var/lib/auditferry)
}
check 'holds the program, certificates and an empty state directory, nothing else' only_what_belongs
is_static() { ! readelf --program-headers "$mounted/auditferry" | grep -E 'INTERP'; }
check 'the program is static' is_static
lists_crates() { readelf --section-headers --wide "$mounted/auditferry" | grep -F .dep-v0; }
check 'the program carries the list of its crates' lists_crates
state_is_private() { [[ $(stat --format '%a %u:%g' "$mounted/var/lib/auditferry") == '700 65532:65532' ]]; }
check 'the state directory belongs to its user alone' state_is_private
check 'the program belongs to root' test "$(stat --format %u "$mounted/auditferry")" = 0
check 'loads no library of a distribution' test ! -e "$mounted/lib"

inspect() { podman image inspect --format "$1" localhost/auditferry; }
says() { # says EXPECTED COMMAND…
    local expected=$1 found
    shift
    found=$("$@")
    [[ $found == "$expected" ]] || { echo "$found"; return 1; }
}
check 'runs as 65532:65532' says 65532:65532 inspect '{{.Config.User}}'
check 'is stopped by SIGTERM' says SIGTERM inspect '{{.Config.StopSignal}}'
check 'is labelled with its version' says "$version" inspect '{{index .Config.Labels "org.opencontainers.image.version"}}'
check 'has a health check' says '[CMD /auditferry health]' inspect '{{.Config.Healthcheck.Test}}'

# ---- containers of it ----

# Read-only, without any capability, no network but loopback. The limits because not every machine lets podman raise
# them.
readonly HARDENED=(--read-only --read-only-tmpfs=false --cap-drop ALL --security-opt no-new-privileges
    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
run() { podman run --rm --network none "${HARDENED[@]}" localhost/auditferry "$@"; }

check '--version' says "auditferry $version" run --version
has_sources() { run config example | grep -F '[sources.hubspot]'; }
check 'config example' has_sources
# Demo's temporary directory is in the volume.
shows_a_login() { # Not at the end of a pipe: it would end before demo does.
    run demo --for 20s >"$WORK/events" 2>/dev/null
    grep -cF '"dataset":"hubspot.login"' "$WORK/events"
}
check 'demo shows events, without any option' shows_a_login

podman run --detach --quiet --name simulator --network none "${HARDENED[@]}" \
    localhost/auditferry simulate --events 500 --rate 2 >/dev/null
# Another program asks from within the containers' network.
pid=$(podman inspect --format '{{.State.Pid}}' simulator)
ask() { nsenter --net="/proc/$pid/ns/net" curl --silent --show-error --max-time 5 "$@"; }
until_true 30 ask --output /dev/null http://127.0.0.1:8989/receiver/main/stats 2>/dev/null || true

# As deploy/compose.yaml does it: no file, the environment alone; but the token as a file.
install --mode 0400 --owner 65532 /dev/null "$WORK/hubspot_token"
echo pat-na1-simulated >"$WORK/hubspot_token"
readonly FERRY=(--network container:simulator "${HARDENED[@]}"
    --volume auditferry-state:/var/lib/auditferry
    --volume "$WORK/hubspot_token:/run/secrets/hubspot_token:ro"
    --env AUDITFERRY__SOURCES__HUBSPOT__TYPE=hubspot
    --env AUDITFERRY__SOURCES__HUBSPOT__BASE_URL=http://127.0.0.1:8989
    --env AUDITFERRY__SOURCES__HUBSPOT__TOKEN__FILE=/run/secrets/hubspot_token
    --env AUDITFERRY__SOURCES__HUBSPOT__POLL_INTERVAL=1s
    --env AUDITFERRY__SOURCES__BREVO__TYPE=brevo
    --env AUDITFERRY__SOURCES__BREVO__BASE_URL=http://127.0.0.1:8989
    --env AUDITFERRY__SOURCES__BREVO__API_KEY=xkeysib-simulated
    --env AUDITFERRY__SOURCES__BREVO__POLL_INTERVAL=1s
    --env AUDITFERRY__SOURCES__BREVO__REQUESTS_PER_HOUR=10000
    --env AUDITFERRY__SINKS__RECEIVER__TYPE=http
    --env AUDITFERRY__SINKS__RECEIVER__ENDPOINT=http://127.0.0.1:8989/receiver/main)
ferry() { podman run --detach --quiet --name ferry "${FERRY[@]}" localhost/auditferry >/dev/null; }

stat_of() { ask http://127.0.0.1:8989/receiver/main/stats | python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }
has_received() { [[ $(stat_of unique 2>/dev/null || echo 0) -ge $1 ]]; }
is_complete() { # While nothing new happens.
    ask http://127.0.0.1:8989/receiver/main/compare | tee "$WORK/compare"
    python3 -c 'import json,sys; sys.exit(any(json.load(open(sys.argv[1]))[k] for k in ("missing", "doubled", "unexpected")))' \
        "$WORK/compare"
}
happens() { # So many events a second.
    ask --fail --request PUT http://127.0.0.1:8989/simulator/rate --data "{\"per_second\":$1}"
}

check 'starts by the environment alone' ferry
check 'collects and delivers 500 events' until_true 90 has_received 500
check 'its health check passes' until_true 60 podman healthcheck run ferry
check '/healthz answers 200' ask --fail http://127.0.0.1:9464/healthz
check '/readyz answers 200' until_true 60 ask --fail --output /dev/null http://127.0.0.1:9464/readyz
memory=$(sed -nE 's/^VmHWM:\s*//p' "/proc/$(podman inspect --format '{{.State.Pid}}' ferry)/status")

stops() { # Within 10 s, by itself, with 0.
    local began=$SECONDS
    podman stop --time 20 ferry >/dev/null
    echo "after $((SECONDS - began)) s with $(podman inspect --format '{{.State.ExitCode}}' ferry)"
    [[ $((SECONDS - began)) -le 10 && $(podman inspect --format '{{.State.ExitCode}}' ferry) == 0 ]]
}
check 'SIGTERM ends it within 10 s with 0' stops
fails_its_check() { ! podman run --rm "${FERRY[@]}" localhost/auditferry health; }
check 'the health check of a stopped one fails' fails_its_check
podman rm ferry >/dev/null

before=$(stat_of unique)
check 'another container goes on with the volume' ferry
check 'and delivers what came meanwhile' until_true 60 has_received $((before + 10))
check 'no event has come twice' says 0 stat_of repeated
podman kill --signal KILL ferry >/dev/null
podman rm --force ferry >/dev/null
before=$(stat_of unique)
check 'after kill -9 a third one goes on' ferry
check 'and delivers what came meanwhile' until_true 60 has_received $((before + 10))
check 'nothing more happens at the provider' happens 0
check 'every event of the provider has come' until_true 60 is_complete

second_on_the_volume() {
    local code=0
    podman run --rm "${FERRY[@]}" localhost/auditferry run || code=$?
    echo "exit code $code"
    [[ $code == 3 ]]
}
check 'a second one on the same volume is turned away with 3' second_on_the_volume
broken() {
    local code=0
    podman run --rm "${FERRY[@]}" --env AUDITFERRY__SINKS__RECEIVER__ENDPIONT=x localhost/auditferry run || code=$?
    echo "exit code $code"
    [[ $code == 2 ]]
}
check 'a broken configuration ends with 2' broken
no_certificates_missing() { ! podman logs ferry 2>&1 | grep -iE 'certificate|panic'; }
check 'no complaint about certificates' no_certificates_missing

printf 'image: %s bytes; memory at most: %s\n' "$(inspect '{{.Size}}')" "$memory"
[[ $failures -eq 0 ]] || { echo "$failures failed"; exit 1; }
