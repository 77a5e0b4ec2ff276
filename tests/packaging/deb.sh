#!/usr/bin/env bash
# Tries the deb in a bare Debian 12:  deb.sh [PACKAGE]
#
# Without PACKAGE it takes the one in target/package/out, which deploy/packages/build.sh makes. Installs, upgrades,
# removes and purges, first without a running systemd, then with one. (What the unit is good for is tried by
# tests/packaging/systemd.sh.)
#
# Needs root, lintian, systemd-nspawn and what root.sh needs. Where it lacks these it exits with 77, or with 1 if
# AUDITFERRY_PACKAGING=required.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/packaging/checks.sh
source tests/packaging/checks.sh

readonly CONFIGURATION=/etc/auditferry/auditferry.toml
package=$(package_of deb "${1:-}")
command -v lintian >/dev/null || lacking 'lintian is missing: apt-get install lintian'
command -v systemd-nspawn >/dev/null || lacking 'systemd-nspawn is missing: apt-get install systemd-container'
# The same root as systemd.sh's. dbus: systemd-run waits with it.
new_root bash-completion ca-certificates curl dbus man-db sudo systemd systemd-sysv

install_package() {
    cp "$1" "$root/tmp/auditferry.deb"
    # As an unattended upgrade does: nobody is asked, and a changed file of the administrator stays.
    in_root dpkg --force-confdef --force-confold --install /tmp/auditferry.deb
}

# The same package as a later version with another configuration file.
later_version() {
    local unpacked=$scratch/later
    dpkg-deb --raw-extract "$package" "$unpacked"
    sed -i 's/^Version: .*/Version: 99.0.0-1/' "$unpacked/DEBIAN/control"
    echo '# A line that only the later version has.' >>"$unpacked$CONFIGURATION"
    (cd "$unpacked" && find . -type f -not -path './DEBIAN/*' -not -path './etc/*' -printf '%P\0' |
        xargs -0 md5sum >DEBIAN/md5sums)
    dpkg-deb --root-owner-group -Znone --build "$unpacked" "$scratch/later.deb" >/dev/null
}

# Boots the root, where the script runs as the only other thing and ends it.
boots_with() {
    install -m 0755 "$1" "$root/inside.sh"
    cp "$scratch/later.deb" "$root/later.deb"
    cat >"$root/etc/systemd/system/inside.service" <<'UNIT'
[Unit]
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/inside.sh
[Install]
WantedBy=multi-user.target
UNIT
    in_root systemctl enable --quiet inside.service
    timeout 600 systemd-nspawn --quiet --directory "$root" --register=no --keep-unit --private-network --boot \
        </dev/null >"$scratch/boot.log" 2>&1 || { tail -n 20 "$scratch/boot.log" && return 1; }
    [[ -s $root/results ]]
}

tried() { [[ $1 == ok ]] || { cat "$root/said" && return 1; }; }

says_first_steps() { grep -q 'systemctl enable --now auditferry' "$scratch/installed.log"; }
is_whole() {
    local faults
    faults=$(in_root dpkg --audit && in_root dpkg --verify auditferry)
    echo "$faults"
    [[ -z $faults ]]
}
is_not_enabled() { [[ -z $(find "$root/etc/systemd/system" -name auditferry.service -not -lname /dev/null) ]]; }
is_gone() { [[ ! -e $root/usr/bin/auditferry ]]; }
removes() { in_root dpkg --remove auditferry; }
purges() { in_root dpkg --purge auditferry; }
is_clean() { lintian --fail-on error,warning "$package"; }

group 'package'
check 'lintian has nothing to say' is_clean

group 'first install'
check 'installs, with every dependency met' logged "$scratch/installed.log" install_package "$package"
check 'says what to do next' says_first_steps
check 'is whole' is_whole
check_installed
check 'is not enabled before it is configured' is_not_enabled
check_program
check_bill_of_materials
check_manual
check 'bash completes its commands' completes

group 'upgrade'
configure
later_version
check 'a later version installs' logged "$scratch/installed.log" install_package "$scratch/later.deb"
check 'does not say again what to do next' not says_first_steps
check 'the edited configuration stays, with mode and owner' is_configured
check 'the state stays' has_state

group 'remove'
check 'removes' removes
check 'the program is gone' is_gone
check 'the configuration stays' is_configured
check 'the state stays' has_state
check 'installs again' install_package "$package"
check 'with the configuration from before' is_configured

group 'purge'
check 'purges' purges
check 'configuration and credentials are gone' test ! -e "$root/etc/auditferry"
check 'the state is gone' test ! -e "$root/var/lib/auditferry"
check 'nothing else of the package is left' leaves_nothing
check 'the user stays' grep -q '^auditferry:' "$root/etc/passwd"
check 'installs again' install_package "$package"
check_installed

group 'under systemd'
check 'boots' boots_with tests/packaging/deb-inside.sh
while read -r outcome what; do
    check "$what" tried "$outcome"
done <"$root/results"
check 'everything was tried' grep -q ' removal ' "$root/results"

report
