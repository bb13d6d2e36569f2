"""Lists of what this product has none of yet: guests, replication, backup jobs, firewall rules … Typed, and empty.

Programs that walk through everything find each list where they look for it, with rows described as they would be.
What could not be an empty list without being a lie is refused with a reason instead: `absent.py`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, OpenRow, Parameters
from datacenter.api.permission import AUDIT, NODE_AUDIT, SIGNED_IN, Permission, perm
from datacenter.api.types import Filter, NodeName

MAPPING = perm("/mapping", "Mapping.Audit", "Mapping.Use", "Mapping.Modify", any=True)
NOTIFICATIONS = perm("/mapping/notifications", "Mapping.Audit", "Mapping.Use", "Mapping.Modify", any=True)
GUEST = {"vmid": int, "status": str, "name": str}
RULE = {"pos": int, "type": str, "action": str}

# path: (who may, what a row is called, the fields it always has)
CLUSTER: dict[str, tuple[Permission, str, dict[str, type]]] = {
    "/cluster/bulk-action": (SIGNED_IN, "BulkAction", {"name": str}),
    "/cluster/qemu": (SIGNED_IN, "GuestSetting", {"name": str}),
    "/cluster/ha/resources": (AUDIT, "HaResource", {"sid": str}),
    "/cluster/ha/groups": (AUDIT, "HaGroup", {"group": str}),
    "/cluster/ha/rules": (AUDIT, "HaRule", {"rule": str, "type": str}),
    "/cluster/replication": (SIGNED_IN, "ReplicationJob", {"id": str, "type": str, "target": str}),
    "/cluster/backup": (AUDIT, "BackupJob", {"id": str}),
    "/cluster/backup-info/not-backed-up": (AUDIT, "GuestWithoutBackup", {"vmid": int, "type": str}),
    "/cluster/jobs/realm-sync": (AUDIT, "RealmSyncJob", {"id": str, "realm": str}),
    "/cluster/acme/account": (SIGNED_IN, "AcmeAccount", {"name": str}),
    "/cluster/acme/plugins": (perm("/", "Sys.Modify"), "AcmePlugin", {"plugin": str, "type": str}),
    "/cluster/metrics/server": (AUDIT, "MetricServer", {"id": str, "type": str, "server": str}),
    "/cluster/notifications/endpoints/gotify": (NOTIFICATIONS, "GotifyTarget", {"name": str}),
    "/cluster/notifications/endpoints/sendmail": (NOTIFICATIONS, "SendmailTarget", {"name": str}),
    "/cluster/notifications/endpoints/smtp": (NOTIFICATIONS, "SmtpTarget", {"name": str}),
    "/cluster/notifications/endpoints/webhook": (NOTIFICATIONS, "WebhookTarget", {"name": str}),
    "/cluster/notifications/targets": (NOTIFICATIONS, "NotificationTarget", {"name": str, "type": str}),
    "/cluster/notifications/matchers": (NOTIFICATIONS, "NotificationMatcher", {"name": str}),
    "/cluster/mapping/pci": (MAPPING, "PciMapping", {"id": str}),
    "/cluster/mapping/usb": (MAPPING, "UsbMapping", {"id": str}),
    "/cluster/mapping/dir": (MAPPING, "DirMapping", {"id": str}),
    "/cluster/firewall/rules": (AUDIT, "FirewallRule", RULE),
    "/cluster/firewall/groups": (SIGNED_IN, "FirewallGroup", {"group": str}),
    "/cluster/firewall/ipset": (AUDIT, "FirewallSet", {"name": str}),
    "/cluster/firewall/aliases": (AUDIT, "FirewallAlias", {"name": str, "cidr": str}),
    "/cluster/firewall/refs": (AUDIT, "FirewallReference", {"name": str, "type": str}),
    "/cluster/firewall/macros": (SIGNED_IN, "FirewallMacro", {"macro": str, "descr": str}),
    "/cluster/sdn/zones": (SIGNED_IN, "SdnZone", {"zone": str, "type": str}),
    "/cluster/sdn/vnets": (SIGNED_IN, "SdnVnet", {"vnet": str}),
    "/cluster/sdn/controllers": (SIGNED_IN, "SdnController", {"controller": str}),
    "/cluster/sdn/ipams": (SIGNED_IN, "SdnIpam", {"ipam": str}),
    "/cluster/sdn/dns": (SIGNED_IN, "SdnDns", {"dns": str}),
    "/cluster/ceph/flags": (AUDIT, "CephFlag", {"name": str}),
}
NODE: dict[str, tuple[Permission, str, dict[str, type]]] = {
    "/nodes/{node}/qemu": (SIGNED_IN, "VirtualMachine", GUEST),
    "/nodes/{node}/lxc": (SIGNED_IN, "Container", GUEST),
    "/nodes/{node}/replication": (SIGNED_IN, "NodeReplicationJob", {"id": str}),
    "/nodes/{node}/netstat": (NODE_AUDIT, "GuestTraffic", {"vmid": int, "dev": str}),
    "/nodes/{node}/firewall/rules": (NODE_AUDIT, "NodeFirewallRule", RULE),
    "/nodes/{node}/sdn/zones": (SIGNED_IN, "NodeSdnZone", {"zone": str, "status": str}),
    "/nodes/{node}/aplinfo": (SIGNED_IN, "Template", {"template": str, "type": str}),
}


class CommonFilters(Parameters, kw_only=True):
    """What clients may pass to these lists to choose rows by."""

    type: Filter | None = None
    full: bool = False


class NodeFilters(CommonFilters, kw_only=True):
    node: NodeName


async def nothing(_call: Call, _asked: Any) -> list[Any]:
    return []


def _endpoint(path: str, permission: Permission, row_name: str, fields: dict[str, type]) -> Endpoint:
    row: Any = msgspec.defstruct(row_name, list(fields.items()), bases=(OpenRow,), kw_only=True)
    kind: type[Parameters] = NodeFilters if path.startswith("/nodes/{node}") else CommonFilters
    filtered = path in (
        *NODE,
        "/cluster/ha/resources",
        "/cluster/ha/rules",
        "/cluster/acme/plugins",
        "/cluster/firewall/refs",
        "/cluster/sdn/zones",
    )
    summary = f"None: {path.rpartition('/')[2]} are not part of this product yet."
    returns = list[row]
    return Endpoint("GET", path, summary, nothing, permission, kind if filtered else NoParameters, returns)


ENDPOINTS = tuple(_endpoint(path, *described) for path, described in {**CLUSTER, **NODE}.items())
