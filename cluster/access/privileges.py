"""The privileges there are, the roles every installation has, and the groups clients draw their pages by.

Facts of Proxmox VE (reference §8.6), so that its clients and its files mean the same here. Roles of one's own are in
`user_cfg.py`; who has which on what is `permissions.py`.
"""

from __future__ import annotations

_FAMILIES = {
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


def _of(*families: str) -> frozenset[str]:
    return frozenset(f"{family}.{one}" for family in families for one in _FAMILIES[family].split())


def _named(text: str) -> frozenset[str]:
    return frozenset(text.split())


PRIVILEGES = _of(*_FAMILIES)
_NOT_FOR_ADMINS = _named(
    "Sys.AccessNetwork Sys.Incoming Sys.Modify Sys.PowerMgmt Realm.Allocate Permissions.Modify Mapping.Modify"
)
ADMINISTRATOR, NO_ACCESS = "Administrator", "NoAccess"

BUILT_IN: dict[str, frozenset[str]] = {
    ADMINISTRATOR: PRIVILEGES,
    NO_ACCESS: frozenset(),
    "PVEAdmin": PRIVILEGES - _NOT_FOR_ADMINS,
    "PVEAuditor": _named("Datastore.Audit Mapping.Audit Pool.Audit SDN.Audit Sys.Audit VM.Audit VM.GuestAgent.Audit"),
    "PVEDatastoreAdmin": _of("Datastore"),
    "PVEDatastoreUser": _named("Datastore.AllocateSpace Datastore.Audit"),
    "PVEMappingAdmin": _of("Mapping"),
    "PVEMappingUser": _named("Mapping.Audit Mapping.Use"),
    "PVEPoolAdmin": _of("Pool"),
    "PVEPoolUser": _named("Pool.Audit"),
    "PVESDNAdmin": _of("SDN"),
    "PVESDNUser": _named("SDN.Audit SDN.Use"),
    "PVESysAdmin": _named("Sys.Audit Sys.Console Sys.Syslog"),
    "PVETemplateUser": _named("VM.Audit VM.Clone"),
    "PVEUserAdmin": _named("Group.Allocate Realm.AllocateUser User.Modify"),
    "PVEVMAdmin": _of("VM", "VM.Config", "VM.GuestAgent"),
    "PVEVMUser": _named(
        "VM.Audit VM.Backup VM.Console VM.PowerMgmt VM.Config.CDROM VM.Config.Cloudinit"
        " VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite"
    ),
}

# Which privileges each part of a client's pages asks about, and on which path it asks.
CAPABILITY_PATHS = {
    "vms": "/vms",
    "storage": "/storage",
    "access": "/access",
    "nodes": "/nodes",
    "sdn": "/sdn",
    "dc": "/",
    "mapping": "/mapping",
}
_CAPABILITY_FAMILIES = {
    "vms": ("VM", "VM.Config", "VM.GuestAgent"),
    "storage": ("Datastore",),
    "access": ("User", "Group", "Realm"),
    "nodes": ("Sys",),
    "sdn": ("SDN",),
    "dc": ("Sys", "SDN"),
    "mapping": ("Mapping",),
}
CAPABILITIES = {group: _of(*families) | {"Permissions.Modify"} for group, families in _CAPABILITY_FAMILIES.items()}


def is_reserved(role: str) -> bool:
    """Names that no role of one's own may have."""
    return role.lower().startswith("pve") or role in BUILT_IN
