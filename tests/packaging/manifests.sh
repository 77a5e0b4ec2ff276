#!/usr/bin/env bash
# Checks deploy/compose.yaml and deploy/kubernetes against their schemas, and has the program read the configurations
# in them:  manifests.sh BINARY
#
# Takes seconds. Needs python3 with venv, the network the first time, and kubectl or kustomize for the overlay. Where it
# lacks the first two it exits with 77, or with 1 if AUDITFERRY_PACKAGING=required.
set -euo pipefail
binary=$(realpath "${1:?which auditferry?}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lacking() {
    echo "manifests.sh: $1" >&2
    [[ ${AUDITFERRY_PACKAGING:-} == required ]] && exit 1
    exit 77
}

readonly TOOLS=$PWD/target/packaging/python
python3 -m venv "$TOOLS" || lacking 'python3-venv is missing'
"$TOOLS/bin/pip" install --quiet --disable-pip-version-check --requirement tests/packaging/requirements.txt ||
    lacking 'the tools of tests/packaging/requirements.txt can not be installed'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { printf '\n==> %s\n' "$1"; }

step 'YAML'
"$TOOLS/bin/yamllint" --strict --config-data \
    '{extends: default, rules: {line-length: {max: 120}, document-start: disable, braces: {max-spaces-inside: 1}}}' \
    deploy/compose.yaml deploy/kubernetes

step 'Compose specification'
"$TOOLS/bin/check-jsonschema" --builtin-schema vendor.compose-spec deploy/compose.yaml

step 'Kubernetes'
if command -v kubectl >/dev/null; then
    kubectl kustomize deploy/kubernetes/overlays/example >"$work/rendered.yaml"
elif command -v kustomize >/dev/null; then
    kustomize build deploy/kubernetes/overlays/example >"$work/rendered.yaml"
fi
manifests=(deploy/kubernetes/base/[^k]*.yaml)
if [[ -f $work/rendered.yaml ]]; then
    manifests+=("$work/rendered.yaml")
else
    echo 'the overlay is not checked: neither kubectl nor kustomize is here'
fi
"$TOOLS/bin/kubernetes-validate" --strict "${manifests[@]}"

mkdir "$work/secrets"
for secret in hubspot_token brevo_api_key siem_token splunk_token server_token; do
    echo 'a-secret-of-thirty-two-characters' >"$work/secrets/$secret"
done
# The same file with secrets where this user may write.
here() { sed -E "s#/run/secrets(/auditferry)?#$work/secrets#"; }
reads() {
    step "the program reads $1"
    "$binary" --config "$work/auditferry.toml" check --offline
}

here <deploy/kubernetes/overlays/example/auditferry.toml >"$work/auditferry.toml"
reads 'deploy/kubernetes/overlays/example/auditferry.toml'

awk '/^# auditferry.toml$/ { inside = 1 } /^```$/ { inside = 0 } inside' docs/container.md | here >"$work/auditferry.toml"
reads 'the file of docs/container.md'

step 'the program reads the environment of the trial in deploy/compose.yaml'
"$TOOLS/bin/python" - deploy/compose.yaml >"$work/environment" <<'PYTHON'
import sys, ruamel.yaml
services = ruamel.yaml.YAML(typ="safe").load(open(sys.argv[1]))["services"]
for name, value in services["trial"]["environment"].items():
    print(f"{name}={value}")
PYTHON
mapfile -t environment <"$work/environment"
env --ignore-environment "${environment[@]}" "$binary" check --offline | tee "$work/answer"
grep -q 'configuration is valid' "$work/answer"
printf '\nAll of it holds.\n'
