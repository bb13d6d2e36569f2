"""The files a node makes for itself in the tree: signing keys, a certificate authority, its own certificate.

A new stand-alone node has no others; a node that joined makes only its own certificate, from the cluster's authority.
Pure but for the random keys: what to write is returned, the caller proposes it. Paths are Proxmox VE's (reference §10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from cluster.access import sessions
from cluster.core.tree import Tree
from cluster.node import certificates
from cluster.node.access import tickets
from cluster.workflow.tombstone import KEYS
from cluster.workflow.witness_rule import PATH as WITNESS

AUTHORITY, AUTHORITY_KEY = "pve-root-ca.pem", "priv/pve-root-ca.key"
TICKET_KEY, TICKET_PUBLIC_KEY, CSRF_KEY = "priv/authkey.key", "authkey.pub", "pve-www.key"
TICKET_FORMER_KEY = "authkey.pub.old"
_SHARED = (AUTHORITY, AUTHORITY_KEY, TICKET_KEY, TICKET_PUBLIC_KEY, TICKET_FORMER_KEY, CSRF_KEY)


def certificate_paths(node: str) -> tuple[str, str]:
    """Where a node's certificate and its key lie in the tree."""
    return f"nodes/{node}/pve-ssl.pem", f"nodes/{node}/pve-ssl.key"


def shared_files(tree: Tree) -> dict[str, bytes]:
    """The keys and the authority that are missing; empty when everything is there."""
    files: dict[str, bytes] = {}
    if tree.find(TICKET_KEY) is None:
        files[TICKET_KEY], files[TICKET_PUBLIC_KEY] = tickets.new_ticket_keys()
    if tree.find(CSRF_KEY) is None:
        files[CSRF_KEY] = tickets.new_csrf_key()
    if tree.find(AUTHORITY_KEY) is None:
        files[AUTHORITY], files[AUTHORITY_KEY] = certificates.new_authority(datetime.now(UTC))
    return files


def node_files(
    tree: Tree,
    name: str,
    address: str,
    now_s: float,
    *,
    renew: bool = False,
    pending: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """A certificate for this node where there is none fit for use, or with `renew` in any case.

    `pending` are files about to be written that the tree does not have yet.
    """

    def read(path: str) -> bytes | None:
        return (pending or {}).get(path) or tree.read(path)

    authority, authority_key = read(AUTHORITY), read(AUTHORITY_KEY)
    if authority is None or authority_key is None:
        return {}
    path, key_path = certificate_paths(name)
    now = datetime.fromtimestamp(now_s, UTC)
    have = read(path)
    if not renew and have is not None and not certificates.needs_renewal(have, authority, name, [address], now):
        return {}
    certificate, key = certificates.new_node_certificate(authority, authority_key, name, [address], now)
    return {path: certificate, key_path: key}


def is_pristine(paths: Iterable[str], node: str) -> bool:
    """Does the tree hold nothing but what a new node makes for itself?"""
    return set(paths) <= {*_SHARED, sessions.PATH, *certificate_paths(node)}


def is_the_clusters(path: str, own_folder: str, *, others: bool) -> bool:
    """Does this path of the tree stay with the cluster when a node leaves? Its configuration and keys do, and with
    `others` the folders of the other nodes; `own_folder` is the leaving node's."""
    if path in (
        "corosync.conf",
        "corosync.conf.new",
        *KEYS,
        WITNESS,
        *_SHARED,
        *certificate_paths(own_folder.removeprefix("nodes/")),
    ):
        return True
    return others and path.startswith("nodes/") and path != own_folder and not path.startswith(own_folder + "/")
