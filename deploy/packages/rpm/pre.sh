# The files belong to this user, and sysusers.d/auditferry.conf is not there before they are: the same line here.
systemd-sysusers --replace=/usr/lib/sysusers.d/auditferry.conf - <<'USERS' || :
u auditferry - "auditferry" /var/lib/auditferry
USERS
