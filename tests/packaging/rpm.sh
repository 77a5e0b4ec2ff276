#!/usr/bin/env bash
# Tries the rpm:  rpm.sh [PACKAGE]
#
# Without PACKAGE it takes the one in target/package/out, which deploy/packages/build.sh makes. Looks at what the
# package says, then installs, upgrades and erases it. The root is a Debian, whose shell and systemd-sysusers the
# scriptlets run with: no Fedora, SUSE or Enterprise Linux can be had without their mirrors. So dependencies are
# looked at, not resolved, and systemd does not run.
#
# Needs root, rpm, cargo-generate-rpm and what root.sh needs. Where it lacks these it exits with 77, or with 1 if
# AUDITFERRY_PACKAGING=required.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
# shellcheck source=tests/packaging/checks.sh
source tests/packaging/checks.sh

package=$(package_of rpm "${1:-}")
command -v rpm >/dev/null || lacking 'rpm is missing: apt-get install rpm'
command -v cargo-generate-rpm >/dev/null || lacking 'cargo-generate-rpm is missing: cargo install cargo-generate-rpm'
# The same root as systemd.sh's and deb.sh's.
new_root bash-completion ca-certificates curl dbus man-db sudo systemd systemd-sysv

# rpm's database is within the root. Its packages are dpkg's, of which rpm knows nothing: --nodeps.
rpm_in_root() { rpm --root "$root" --nodeps "$@"; }
queried() { rpm --query --package "$package" "$@"; }

is_kept() { [[ $(queried --configfiles) == /etc/auditferry/auditferry.toml && $(flags_of_configuration) == cn ]]; }
flags_of_configuration() {
    queried --queryformat '[%{FILENAMES} %{FILEFLAGS:fflags}\n]' | sed -n 's|^/etc/auditferry/auditferry.toml ||p'
}
requires() { queried --requires | grep -qx "$1"; }
has_sound_scriptlets() {
    local one
    for one in PREIN POSTIN PREUN POSTUN; do
        queried --queryformat "%{$one}" | sh -n
    done
}
# The scriptlet runs before the file is there, so the line stands twice.
makes_the_user_of_the_unit() {
    local line
    while read -r line; do
        queried --queryformat '%{PREIN}' | grep -qxF "$line" || { echo "not in pre.sh: $line" && return 1; }
    done < <(grep -vE '^(#|$)' deploy/systemd/auditferry.sysusers)
}
later_version() {
    cargo generate-rpm --auto-req disabled --payload-compress none --set-metadata 'release = "99"' \
        --output "$scratch/later.rpm" --target-dir "$scratch/target"
}
says_first_steps() { grep -q 'systemctl enable --now auditferry' "$scratch/installed.log"; }
is_gone() { [[ ! -e $root/usr/bin/auditferry ]]; }
keeps_the_edited_configuration() { grep -qx '# edited' "$root/etc/auditferry/auditferry.toml.rpmsave"; }

group 'package'
check 'the configuration is %config(noreplace)' is_kept
check 'needs ca-certificates' requires ca-certificates
check 'needs systemd' requires systemd
check 'its licence is ours' test "$(queried --queryformat '%{LICENSE}')" = 'MIT OR Apache-2.0'
check 'its scriptlets are sound' has_sound_scriptlets
check 'it makes the user that the unit wants' makes_the_user_of_the_unit

group 'first install'
check 'installs' logged "$scratch/installed.log" rpm_in_root --install "$package"
check 'says what to do next' says_first_steps
check 'says nothing else' not grep -qiE 'warning|error' "$scratch/installed.log"
check 'is whole' rpm_in_root --verify auditferry
check_installed
check_program
check_bill_of_materials
check_manual
check 'bash completes its commands' completes

group 'upgrade'
configure
later_version
check 'a later version installs' rpm_in_root --upgrade "$scratch/later.rpm"
check 'the edited configuration stays, with mode and owner' is_configured
check 'the state stays' has_state

group 'erase'
check 'erases' rpm_in_root --erase auditferry
check 'the program is gone' is_gone
check 'the edited configuration is set aside' keeps_the_edited_configuration
check 'the state stays' has_state
check 'installs again' rpm_in_root --install "$package"

report
