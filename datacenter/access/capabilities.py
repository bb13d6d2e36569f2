"""What a user may do, in the form clients draw their pages by: privileges grouped by where they apply.

Until there are other users with privileges of their own, root@pam has them all and anybody else none.
"""

from __future__ import annotations

ROOT = "root@pam"

PRIVILEGES = {
    "Datastore": "Allocate AllocateSpace AllocateTemplate Audit",
    "Group": "Allocate",
    "Mapping": "Audit Modify Use",
    "Permissions": "Modify",
    "Pool": "Allocate Audit",
    "Realm": "Allocate AllocateUser",
    "SDN": "Allocate Audit Use",
    "Sys": "AccessNetwork Audit Console Incoming Modify PowerMgmt Syslog",
    "User": "Modify",
    "VM": "Allocate Audit Backup Clone Console Migrate PowerMgmt Replicate Snapshot Snapshot.Rollback",
    "VM.Config": "CDROM CPU Cloudinit Disk HWType Memory Network Options",
    "VM.GuestAgent": "Audit FileRead FileSystemMgmt FileWrite Unrestricted",
}
GROUPS = {
    "vms": ("VM", "VM.Config", "VM.GuestAgent"),
    "access": ("User", "Group", "Realm"),
    "storage": ("Datastore",),
    "nodes": ("Sys",),
    "sdn": ("SDN",),
    "dc": ("Sys", "SDN"),
    "mapping": ("Mapping",),
}
EVERYWHERE = "Permissions.Modify"


def capabilities(user: str) -> dict[str, dict[str, int]]:
    return {group: _privileges(families) if user == ROOT else {} for group, families in GROUPS.items()}


def _privileges(families: tuple[str, ...]) -> dict[str, int]:
    names = [f"{family}.{privilege}" for family in families for privilege in PRIVILEGES[family].split()]
    return dict.fromkeys([*names, EVERYWHERE], 1)
