# The files belong to this user, and sysusers.d/auditferry.conf is not there before they are: the same lines here.
systemd-sysusers --replace=/usr/lib/sysusers.d/auditferry.conf - <<'USERS' || :
u     auditferry -  "Forwarder of audit events"  /var/lib/auditferry  -
USERS
