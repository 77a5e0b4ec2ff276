# What deb.sh and rpm.sh have in common: a root to install into, checks with a line each, and what must be true of
# either package. To be sourced, from the top of the tree.
# shellcheck shell=bash

passed=0 failed=()

lacking() {
    echo "$0: $1" >&2
    [[ ${AUDITFERRY_PACKAGING:-} == required ]] && exit 1
    exit 77
}

# The file that was named, or the only one that build.sh has made.
package_of() {
    local package=${2:-}
    [[ -n $package ]] || package=$(find target/package/out -name "*.$1" 2>/dev/null | head -n 1)
    [[ -f $package ]] || lacking "no $1: deploy/packages/build.sh makes one"
    realpath "$package"
}

# $root, a bare Debian with these packages, and $scratch; both go when the script ends.
new_root() {
    mkdir -p target/packaging
    scratch=$(mktemp -d "$PWD/target/packaging/try.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    root=$scratch/root
    tests/packaging/root.sh "$root" "$@"
}

in_root() {
    env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 MANWIDTH=80 \
        DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

group() { printf '%s\n' "$1"; }

# check WHAT COMMAND…: a line, and what the command said if it failed.
check() {
    local what=$1 said status=0
    shift
    # In a subshell that is no condition, so that `set -e` holds within the function that is called.
    set +e
    said=$(set -e && "$@" 2>&1)
    status=$?
    set -e
    if [[ $status -eq 0 ]]; then
        passed=$((passed + 1))
        printf '  ok      %s\n' "$what"
    else
        failed+=("$what")
        printf '  NOT OK  %s\n' "$what"
        head -n 30 <<<"$said" | pr --omit-header --indent=10
    fi
}

not() { ! "$@"; }

logged() {
    local file=$1
    shift
    "$@" >"$file" 2>&1 || { cat "$file" && return 1; }
}

# Mode, owner, file: of what matters.
readonly INSTALLED='
755 root:root /usr/bin/auditferry
644 root:root /usr/lib/systemd/system/auditferry.service
644 root:root /usr/lib/sysusers.d/auditferry.conf
755 root:root /etc/auditferry
640 root:auditferry /etc/auditferry/auditferry.toml
700 root:root /etc/auditferry/credentials
644 root:root /usr/share/auditferry/splunk/TA-auditferry/default/app.conf
644 root:root /usr/share/auditferry/elastic/elasticsearch/index-template.json
644 root:root /usr/share/auditferry/sigma/rules/mass_export.yml
644 root:root /usr/share/doc/auditferry/README.md
644 root:root /usr/share/doc/auditferry/auditferry.cdx.json
644 root:root /usr/share/doc/auditferry/docs/configuration.md
644 root:root /usr/share/doc/auditferry/docs/sinks/splunk.md
644 root:root /usr/share/doc/auditferry/examples/auditferry.toml
644 root:root /usr/share/bash-completion/completions/auditferry
644 root:root /usr/share/fish/vendor_completions.d/auditferry.fish'

check_installed() {
    local mode owner file
    while read -r mode owner file; do
        [[ -z $file ]] || check "$file is $mode $owner" has_mode "$mode" "$owner" "$file"
    done <<<"$INSTALLED"
    check 'the user can not log in' grep -qE '^auditferry:.*:(/usr)?/sbin/nologin$' "$root/etc/passwd"
}

has_mode() {
    local is
    # Names are those of the root.
    is=$(in_root stat --format='%a %U:%G' "$3")
    [[ $is == "$1 $2" ]] || { echo "is $is" && return 1; }
}

check_program() {
    check 'the program runs' in_root auditferry --version
    check 'it has no symbols' not has_symbols
    check 'as installed, the configuration lacks a source and nothing else' lacks_a_source
}

has_symbols() { readelf --section-headers --wide "$root/usr/bin/auditferry" | grep -E '\.(symtab|debug_info)'; }

lacks_a_source() {
    local said status=0
    said=$(in_root auditferry check --offline 2>&1) || status=$?
    echo "$said"
    [[ $status -ne 0 && $said == *sources* && $said != *TOML* ]]
}

check_bill_of_materials() {
    check 'the SBOM has our version, a licence of every library and no directory of the builder' is_sound_sbom
}

is_sound_sbom() {
    python3 - "$root/usr/share/doc/auditferry/auditferry.cdx.json" <<'PYTHON'
import json, re, sys

text = open(sys.argv[1]).read()
sbom = json.loads(text)
ours = sbom["metadata"]["component"]
libraries = sbom["components"]
version = re.search(r'^version = "(.*)"', open("Cargo.toml").read(), re.M).group(1)
assert (ours["name"], ours["version"]) == ("auditferry", version), ours
assert len(libraries) > 50, len(libraries)
without = [library["name"] for library in libraries if not library.get("licenses")]
assert not without, without
assert "file:/" not in text, re.findall(r'[^"]*file:/[^"]*', text)[:3]
assert "serialNumber" not in sbom, "differs from build to build"
PYTHON
}

check_manual() {
    local page
    for page in "$root"/usr/share/man/man[15]/auditferry*; do
        page=${page#"$root"}
        check "man $(basename "$page") has no faults" renders "$page"
    done
}

renders() {
    local faults
    in_root man --local-file "$1" >"$scratch/page"
    faults=$(in_root man --warnings --local-file "$1" 2>&1 >/dev/null)
    echo "$faults"
    [[ -z $faults && $(wc -l <"$scratch/page") -gt 10 ]]
}

completes() {
    # The root's shell expands it.
    # shellcheck disable=SC2016
    in_root bash -c '
        . /usr/share/bash-completion/completions/auditferry
        function=$(complete -p auditferry | sed "s/.*-F \([^ ]*\).*/\1/")
        COMP_WORDS=(auditferry dead) COMP_CWORD=1
        "$function" auditferry dead auditferry
        [[ " ${COMPREPLY[*]} " == *" dead-letters "* ]]'
}

# Somebody edits the configuration, adds a credential, and the service has run.
configure() {
    echo '# edited' >>"$root/etc/auditferry/auditferry.toml"
    chmod 0600 "$root/etc/auditferry/auditferry.toml"
    echo secret >"$root/etc/auditferry/credentials/token"
    in_root install -d -o auditferry -g auditferry -m 0700 /var/lib/auditferry
    echo events >"$root/var/lib/auditferry/auditferry.db"
}

is_configured() {
    grep -qx '# edited' "$root/etc/auditferry/auditferry.toml"
    grep -qx secret "$root/etc/auditferry/credentials/token"
    has_mode 600 root:auditferry /etc/auditferry/auditferry.toml
    has_mode 700 root:root /etc/auditferry/credentials
}

has_state() { grep -qx events "$root/var/lib/auditferry/auditferry.db"; }

leaves_nothing() {
    local left
    left=$(find "$root" -xdev \( -path "$root/proc" -o -path "$root/tmp" \) -prune -o \
        -iname '*auditferry*' -not -path '*/var/log/*' -not -path '*/var/cache/*' -print)
    echo "$left"
    [[ -z $left ]]
}

report() {
    printf '%d checks passed, %d failed, %d s\n' "$passed" "${#failed[@]}" "$SECONDS"
    [[ ${#failed[@]} -eq 0 ]]
}
