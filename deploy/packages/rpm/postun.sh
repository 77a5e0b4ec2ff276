systemctl daemon-reload >/dev/null 2>&1 || :
# An upgrade: the service goes on with the new version if it runs. Configuration and state stay in any case.
if [ "$1" -ge 1 ]; then
    systemctl try-restart auditferry.service >/dev/null 2>&1 || :
fi
