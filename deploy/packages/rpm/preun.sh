# 0: the last version goes, not an upgrade.
if [ "$1" -eq 0 ]; then
    systemctl --no-reload disable --now auditferry.service >/dev/null 2>&1 || :
fi
