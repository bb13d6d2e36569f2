"""What Proxmox VE's API has and this one has not, with the reason: such a path answers 501, a path nobody has 404.

A beginning stands for all below it, `*` for any one step. An entry may name a method alone of a path that is answered
otherwise. The first that fits is the reason given.
"""

from __future__ import annotations

GUESTS = "Quire runs no virtual machines and no containers"
STORAGE = "Quire neither makes nor measures storage"
DISKS = "Quire does not manage disks"
PACKAGES = "Quire leaves packages to the host's package manager"
HOST = "Quire does not change this setting of a host: change it on the host itself"
CONSOLE = "Quire offers no console of a host"
CEPH = "Quire does not manage Ceph"
NETWORK = "Quire does not change a host's network: change it on the host itself"
FIREWALL = "Quire has no firewall"
SDN = "Quire has no software-defined network"
HA = "Quire has no high availability of guests"
ACME = "Quire orders no certificates from an ACME server"
BACKUP = "Quire makes no backups of guests"
NOTIFICATIONS = "Quire sends no notifications"
METRICS = "Quire sends no metrics to other servers"
MAPPING = "Quire maps no hardware to guests"
REPLICATION = "Quire replicates no guests' disks"
POWER = "Quire does not switch hosts off or on"
SUBSCRIPTION = "Quire needs no subscription"

# "METHOD /path" or "/path" for all methods.
REASONS: dict[str, str] = {
    "POST /nodes/*/status": POWER,
    "/nodes/*/wakeonlan": POWER,
    "/nodes/*/qemu": GUESTS,
    "/nodes/*/lxc": GUESTS,
    "/nodes/*/startall": GUESTS,
    "/nodes/*/stopall": GUESTS,
    "/nodes/*/suspendall": GUESTS,
    "/nodes/*/migrateall": GUESTS,
    "/nodes/*/capabilities": GUESTS,
    "/nodes/*/vzdump": BACKUP,
    "/nodes/*/aplinfo": GUESTS,
    "/nodes/*/query-url-metadata": STORAGE,
    "/nodes/*/query-oci-repo-tags": STORAGE,
    "/nodes/*/storage": STORAGE,
    "/nodes/*/scan": STORAGE,
    "/nodes/*/disks": DISKS,
    "/nodes/*/hardware": MAPPING,
    "/nodes/*/apt": PACKAGES,
    "/nodes/*/ceph": CEPH,
    "/nodes/*/firewall": FIREWALL,
    "/nodes/*/sdn": SDN,
    "/nodes/*/replication": REPLICATION,
    "/nodes/*/certificates": ACME,
    "/nodes/*/network": NETWORK,
    "/nodes/*/dns": HOST,
    "/nodes/*/time": HOST,
    "/nodes/*/hosts": HOST,
    "/nodes/*/config": HOST,
    "/nodes/*/services": HOST,
    "/nodes/*/subscription": SUBSCRIPTION,
    "/nodes/*/execute": CONSOLE,
    "/nodes/*/termproxy": CONSOLE,
    "/nodes/*/vncshell": CONSOLE,
    "/nodes/*/vncwebsocket": CONSOLE,
    "/nodes/*/spiceshell": CONSOLE,
    "/nodes/*/rrd": "Quire draws no pictures of figures: read them with rrddata",
    "/cluster/acme": ACME,
    "/cluster/backup": BACKUP,
    "/cluster/backup-info": BACKUP,
    "/cluster/bulk-action": GUESTS,
    "/cluster/ceph": CEPH,
    "/cluster/firewall": FIREWALL,
    "/cluster/ha": HA,
    "/cluster/jobs": "Quire runs no jobs by schedule",
    "/cluster/mapping": MAPPING,
    "/cluster/metrics": METRICS,
    "/cluster/notifications": NOTIFICATIONS,
    "/cluster/qemu": GUESTS,
    "/cluster/replication": REPLICATION,
    "/cluster/sdn": SDN,
    "/access/vncticket": CONSOLE,
    "/storage": STORAGE,
    "/pools": "Quire does not change pools yet",
}
_PATTERNS = [(*key.rpartition(" ")[::2], reason) for key, reason in REASONS.items()]


def reason(method: str, segments: list[str]) -> str | None:
    """Why this is not here, when it is known elsewhere."""
    for wanted, path, why in _PATTERNS:
        steps = path.split("/")[1:]
        same = all(step in ("*", segment) for step, segment in zip(steps, segments, strict=False))
        if same and wanted in ("", method) and len(steps) <= len(segments):
            return why
    return None
