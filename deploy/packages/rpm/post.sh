# $1 counts the versions there are now: 1 is the first one.
mkdir -p /etc/auditferry/credentials && chmod 0700 /etc/auditferry/credentials
systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$1" -eq 1 ]; then
    systemctl --no-reload preset auditferry.service >/dev/null 2>&1 || :
    cat /usr/share/auditferry/first-steps.txt
fi
