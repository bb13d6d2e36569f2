"""The paths of Proxmox VE's API that concern a cluster, its nodes and who may what: methods, and what each can take.

After a method stand its parameters, those of the path left out. `-` before a method says that this product refuses it
with 501 and a reason. Paths that only list what is below them have no parameters.
"""

from __future__ import annotations

TEXT = """
/ GET
/version GET

/access GET
/access/acl GET
/access/acl PUT path roles users groups tokens propagate delete
/access/domains GET
/access/domains POST realm type comment default tfa
/access/domains/{realm} GET
/access/domains/{realm} PUT comment default tfa digest delete
/access/domains/{realm} DELETE
/access/groups GET
/access/groups POST groupid comment
/access/groups/{groupid} GET
/access/groups/{groupid} PUT comment
/access/groups/{groupid} DELETE
/access/openid GET
/access/openid/auth-url POST realm redirect-url
/access/openid/login POST code redirect-url state
/access/password PUT userid password confirmation-password
/access/permissions GET userid path
/access/roles GET
/access/roles POST roleid privs
/access/roles/{roleid} GET
/access/roles/{roleid} PUT privs append
/access/roles/{roleid} DELETE
/access/tfa GET
/access/tfa/{userid} GET
/access/tfa/{userid} POST type description totp value challenge password
/access/tfa/{userid}/{id} GET
/access/tfa/{userid}/{id} PUT description enable password
/access/tfa/{userid}/{id} DELETE password
/access/ticket GET
/access/ticket POST username password realm otp tfa-challenge path privs new-format
/access/users GET enabled full
/access/users POST userid password enable expire firstname lastname email comment keys groups
/access/users/{userid} GET
/access/users/{userid} PUT enable expire firstname lastname email comment keys groups append
/access/users/{userid} DELETE
/access/users/{userid}/token GET
/access/users/{userid}/token/{tokenid} GET
/access/users/{userid}/token/{tokenid} POST expire privsep comment
/access/users/{userid}/token/{tokenid} PUT expire privsep comment regenerate delete
/access/users/{userid}/token/{tokenid} DELETE
/access/users/{userid}/unlock-tfa PUT
/access/vncticket -POST

/cluster GET
/cluster/acme GET
/cluster/acme/account GET
/cluster/acme/account -POST
/cluster/acme/plugins GET
/cluster/backup GET
/cluster/backup -POST
/cluster/backup-info GET
/cluster/backup-info/not-backed-up GET
/cluster/bulk-action GET
/cluster/bulk-action/guest -POST
/cluster/ceph GET
/cluster/ceph/flags GET
/cluster/ceph/status -GET
/cluster/config GET
/cluster/config POST clustername link0 link1 link2 link3 link4 link5 link6 link7 nodeid votes token-coefficient
/cluster/config/apiversion GET
/cluster/config/join GET node
/cluster/config/join POST hostname fingerprint password link0 link7 nodeid votes force
/cluster/config/nodes GET
/cluster/config/nodes/{node} POST link0 link7 nodeid votes force new_node_ip apiversion
/cluster/config/nodes/{node} DELETE
/cluster/config/qdevice GET
/cluster/config/totem GET
/cluster/firewall GET
/cluster/firewall/aliases GET
/cluster/firewall/groups GET
/cluster/firewall/ipset GET
/cluster/firewall/macros GET
/cluster/firewall/options -GET
/cluster/firewall/refs GET type
/cluster/firewall/rules GET
/cluster/firewall/rules -POST
/cluster/ha GET
/cluster/ha/groups GET
/cluster/ha/groups -POST
/cluster/ha/resources GET type
/cluster/ha/resources -POST
/cluster/ha/resources/{sid} -GET
/cluster/ha/resources/{sid} -PUT
/cluster/ha/resources/{sid} -DELETE
/cluster/ha/resources/{sid}/migrate -POST
/cluster/ha/resources/{sid}/relocate -POST
/cluster/ha/rules GET type
/cluster/ha/rules -POST
/cluster/ha/status GET
/cluster/ha/status/arm-ha -POST
/cluster/ha/status/current GET
/cluster/ha/status/disarm-ha -POST
/cluster/ha/status/manager_status GET
/cluster/jobs GET
/cluster/jobs/realm-sync GET
/cluster/jobs/schedule-analyze -GET
/cluster/log GET max
/cluster/mapping GET
/cluster/mapping/dir GET
/cluster/mapping/pci GET
/cluster/mapping/usb GET
/cluster/metrics GET
/cluster/metrics/export -GET
/cluster/metrics/server GET
/cluster/nextid GET vmid
/cluster/notifications GET
/cluster/notifications/endpoints GET
/cluster/notifications/matchers GET
/cluster/notifications/targets GET
/cluster/options GET
/cluster/options PUT keyboard language http_proxy console email_from max_workers fencing mac_prefix migration replication ha crs next-id bwlimit u2f webauthn tag-style user-tag-access registered-tags notify description delete
/cluster/qemu GET
/cluster/replication GET
/cluster/replication -POST
/cluster/resources GET type
/cluster/sdn GET
/cluster/sdn -PUT
/cluster/sdn/controllers GET
/cluster/sdn/dns GET
/cluster/sdn/fabrics -GET
/cluster/sdn/ipams GET
/cluster/sdn/vnets GET
/cluster/sdn/zones GET type
/cluster/status GET
/cluster/tasks GET

/nodes GET
/nodes/{node} GET
/nodes/{node}/aplinfo GET
/nodes/{node}/apt -GET
/nodes/{node}/apt/update -GET
/nodes/{node}/apt/update -POST
/nodes/{node}/apt/versions -GET
/nodes/{node}/capabilities -GET
/nodes/{node}/ceph -GET
/nodes/{node}/certificates GET
/nodes/{node}/certificates/info GET
/nodes/{node}/certificates/custom -POST
/nodes/{node}/config GET property
/nodes/{node}/config -PUT
/nodes/{node}/disks -GET
/nodes/{node}/disks/list -GET
/nodes/{node}/dns GET
/nodes/{node}/dns -PUT
/nodes/{node}/execute -POST
/nodes/{node}/firewall GET
/nodes/{node}/firewall/rules GET
/nodes/{node}/hardware -GET
/nodes/{node}/hosts GET
/nodes/{node}/hosts -POST
/nodes/{node}/journal GET since until lastentries
/nodes/{node}/lxc GET
/nodes/{node}/lxc -POST
/nodes/{node}/lxc/100/rrddata -GET
/nodes/{node}/lxc/100/status/current -GET
/nodes/{node}/migrateall -POST
/nodes/{node}/netstat GET
/nodes/{node}/network GET type
/nodes/{node}/network -POST
/nodes/{node}/network -PUT
/nodes/{node}/network/{iface} GET
/nodes/{node}/network/{iface} -PUT
/nodes/{node}/qemu GET full
/nodes/{node}/qemu -POST
/nodes/{node}/qemu/100/rrddata -GET
/nodes/{node}/qemu/100/status/current -GET
/nodes/{node}/replication GET
/nodes/{node}/report GET
/nodes/{node}/rrd -GET
/nodes/{node}/rrddata GET timeframe cf
/nodes/{node}/scan -GET
/nodes/{node}/sdn GET
/nodes/{node}/sdn/zones GET
/nodes/{node}/services GET
/nodes/{node}/services/{service} GET
/nodes/{node}/services/{service}/restart -POST
/nodes/{node}/services/{service}/state GET
/nodes/{node}/spiceshell -POST
/nodes/{node}/startall -POST
/nodes/{node}/status GET
/nodes/{node}/status -POST
/nodes/{node}/stopall -POST
/nodes/{node}/storage GET content enabled format storage target
/nodes/{node}/storage/local/content -GET
/nodes/{node}/storage/local/rrddata -GET
/nodes/{node}/storage/local/status -GET
/nodes/{node}/subscription GET
/nodes/{node}/subscription -POST
/nodes/{node}/suspendall -POST
/nodes/{node}/syslog GET start limit since until service
/nodes/{node}/tasks GET start limit userfilter typefilter vmid errors source since until statusfilter
/nodes/{node}/tasks/{upid} GET
/nodes/{node}/tasks/{upid} DELETE
/nodes/{node}/tasks/{upid}/log GET start limit download
/nodes/{node}/tasks/{upid}/status GET
/nodes/{node}/termproxy -POST
/nodes/{node}/time GET
/nodes/{node}/time -PUT
/nodes/{node}/version GET
/nodes/{node}/vncshell -POST
/nodes/{node}/vncwebsocket -GET
/nodes/{node}/vzdump -POST
/nodes/{node}/wakeonlan -POST

/pools GET poolid type
/pools -POST
/pools -PUT
/pools -DELETE
/pools/{poolid} GET
/pools/{poolid} -PUT
/pools/{poolid} -DELETE
/storage GET type
/storage -POST
/storage/{storage} GET
/storage/{storage} -PUT
/storage/{storage} -DELETE
"""  # noqa: E501
LINES = [line.split() for line in TEXT.splitlines() if line]
ANSWERED = [(method, path, tuple(given)) for path, method, *given in LINES if not method.startswith("-")]
REFUSED = [(method[1:], path) for path, method, *_ in LINES if method.startswith("-")]
