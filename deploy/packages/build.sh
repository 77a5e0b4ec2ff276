#!/usr/bin/env bash
# Builds the packages:  build.sh [--target TRIPLE] [--profile NAME] [--binary FILE]
#
#   --target TRIPLE  what it is for, as rustc names it; x86_64-unknown-linux-musl gives one program for every
#                    distribution. Without it: this machine's.
#   --profile NAME   Cargo's profile; without it `release`.
#   --binary FILE    take this program, build none.
#
# They are in target/package/out then: a deb, an rpm, a tarball, the SBOM and SHA256SUMS. The same tree, tools and
# SOURCE_DATE_EPOCH give the same bytes; without that variable the time is that of the last commit.
#
# Needs cargo-deb, cargo-generate-rpm and cargo-cyclonedx. Where cargo-auditable is, the program carries
# the list of what it was built from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 1
}

target='' profile=release binary=''
while [[ $# -gt 0 ]]; do
    case $1 in
        --target) target=${2:?which target?} ;;
        --profile) profile=${2:?which profile?} ;;
        --binary) binary=${2:?which file?} ;;
        *) fail "what is $1?" ;;
    esac
    shift 2
done
target=${target:-$(rustc -vV | sed -n 's/^host: //p')}
for tool in deb generate-rpm cyclonedx; do
    command -v "cargo-$tool" >/dev/null || fail "cargo-$tool is missing: cargo install --locked cargo-$tool"
done

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat --format=%Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH=$epoch TZ=UTC LC_ALL=C
umask 022

readonly stage=target/package out=target/package/out
rm -rf "$stage"
mkdir -p "$out" "$stage/completions"

# Into $stage/auditferry, without symbols, and without the names of this machine's directories.
program() {
    if [[ -n $binary ]]; then
        strip --strip-all -o "$stage/auditferry" "$binary"
        return
    fi
    local build=(build) map home=${CARGO_HOME:-$HOME/.cargo}
    cargo auditable --version >/dev/null 2>&1 && build=(auditable build)
    map="--remap-path-prefix=$home=/cargo --remap-path-prefix=$PWD=/auditferry"
    RUSTFLAGS="${RUSTFLAGS:-} $map" \
        CFLAGS="${CFLAGS:-} -ffile-prefix-map=$home=/cargo -ffile-prefix-map=$PWD=/auditferry" \
        cargo "${build[@]}" --locked --profile "$profile" --target "$target" --bin auditferry
    local directory=$profile
    [[ $profile == dev ]] && directory=debug
    strip --strip-all -o "$stage/auditferry" "${CARGO_TARGET_DIR:-target}/$target/$directory/auditferry"
    if grep -qaF -e "$home" -e "$PWD" "$stage/auditferry"; then
        fail 'the program names directories of this machine'
    fi
}

generated() {
    "$stage/auditferry" generate man "$stage/man"
    local shell
    for shell in bash zsh fish; do
        "$stage/auditferry" generate completions "$shell" >"$stage/completions/auditferry.$shell"
    done
    # Debian's form of a changelog; what changed stands in CHANGELOG.md.
    cat >"$stage/changelog" <<CHANGES
auditferry ($version-1) stable; urgency=medium

  * What changed is in /usr/share/doc/auditferry/changelog.gz.

 -- $maintainer  $(date --date="@$epoch" --rfc-email)
CHANGES
}

# Debian has the Apache License in one place for all packages.
copyright() {
    cat <<HEAD
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: auditferry
Comment: The libraries within the program and their licences are listed in
 /usr/share/doc/auditferry/auditferry.cdx.json.

Files: *
$(sed -n 's/^Copyright (c)/Copyright:/p' LICENSE | head -n 1)
License: Expat or Apache-2.0

License: Expat
$(sed -n '/^Permission is hereby/,/^---/ { /^---/d; s/^$/./; s/^/ /p }' LICENSE)

License: Apache-2.0
 The text is in /usr/share/common-licenses/Apache-2.0.
HEAD
}

# cargo-cyclonedx writes beside Cargo.toml, and names the directory of this machine.
bill_of_materials() {
    cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" --override-filename auditferry.cdx
    sed -e "s|path+file://$PWD#||g" -e 's|?download_url=file://[^"#]*||g' auditferry.cdx.json \
        >"$stage/auditferry.cdx.json"
    rm auditferry.cdx.json
}

tarball() {
    local name=auditferry-$version-$target root
    root=$stage/$name
    mkdir -p "$root/deploy"
    cp -r "$stage"/{auditferry,man,completions,auditferry.cdx.json} README.md CHANGELOG.md LICENSE config docs "$root/"
    cp -r deploy/{elastic,grafana,prometheus,sigma,splunk,systemd} "$root/deploy/"
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --directory "$stage" "$name" |
        gzip --no-name >"$out/$name.tar.gz"
    rm -r "$root"
}

# Debian's own variables say who builds it.
maintainer=$(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)
[[ -n ${DEBEMAIL:-} ]] && maintainer="${DEBFULLNAME:-$DEBEMAIL} <$DEBEMAIL>"

program
generated
copyright >"$stage/copyright"
bill_of_materials
tarball
cargo deb --quiet --no-build --no-strip --target "$target" --maintainer "$maintainer" --output "$out/"
cargo generate-rpm --target "$target" --output "$out/"
cp "$stage/auditferry.cdx.json" "$out/auditferry-$version.cdx.json"
(cd "$out" && sha256sum -- *.deb *.rpm *.tar.gz *.cdx.json >SHA256SUMS && cat SHA256SUMS)
