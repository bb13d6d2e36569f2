"""Is this corosync.conf fit to be activated? Errors forbid it, warnings are shown; each is one sentence.

Judges the document alone. Whether names resolve is looked up by the caller and handed in. The rules are Proxmox VE's,
and ours beside: no two nodes alike, never without encryption, never a version that goes backwards.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cluster.corosync.conf.document import Document, Section
from cluster.errors import InvalidInput
from cluster.model import Node

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Verification:
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.errors


def verify(
    document: Document, *, current_version: int = 0, resolved: Mapping[str, str | None] | None = None
) -> Verification:
    """Judge a document. `current_version` is that of the file it is to replace; `resolved` gives for each host name
    used as an address what it resolves to (None: nothing), as far as the caller looked."""
    try:
        nodes = document.nodes()
    except InvalidInput as error:
        return Verification((error.message,), ())
    errors = [
        *_totem_errors(document.totem, document.config_version, current_version),
        *_node_errors(nodes),
        *_link_errors(document, nodes),
        *_quorum_errors(document.root.only("quorum"), nodes),
    ]
    return Verification(tuple(errors), tuple(_name_warnings(nodes, resolved or {})))


def host_names(document: Document) -> tuple[str, ...]:
    """The link addresses that are names, for the caller to resolve before `verify`."""
    addresses = {link.address for node in document.nodes() for link in node.links}
    return tuple(sorted(address for address in addresses if not _is_ip(address)))


def _totem_errors(totem: Section | None, version: int, current_version: int) -> Iterator[str]:
    if totem is None:
        yield "There is no totem section."
        return
    if not totem.get("cluster_name"):
        yield "The cluster has no name."
    if version == 0:
        yield "There is no config_version."
    elif version < current_version:
        yield f"config_version {version} is lower than the active one, {current_version}."
    if totem.get("transport", "knet") != "knet":
        yield f"Transport {totem.get('transport')} cannot encrypt; only knet can."
    elif not _encrypted(totem):
        yield "Cluster traffic is not encrypted: secauth must be on, and crypto_cipher and crypto_hash not none."


def _encrypted(totem: Section) -> bool:
    """As corosync decides it: secauth sets both, and crypto_cipher and crypto_hash override it one by one."""
    by_secauth = totem.get("secauth") == "on"
    cipher = totem.get("crypto_cipher", "aes256" if by_secauth else "none")
    hash_ = totem.get("crypto_hash", "sha256" if by_secauth else "none")
    return cipher != "none" and hash_ != "none"


def _node_errors(nodes: tuple[Node, ...]) -> Iterator[str]:
    if not nodes:
        yield "There are no nodes."
    for name in _repeated(node.name for node in nodes):
        yield f"The name {name or '(none)'} is used by more than one node."
    for node_id in _repeated(node.node_id for node in nodes):
        yield f"Node id {node_id} is used by more than one node."
    for address in _repeated(link.address for node in nodes for link in node.links):
        yield f"The address {address} is used more than once."
    if nodes and not any(node.votes for node in nodes):
        yield "No node has a vote."


def _link_errors(document: Document, nodes: tuple[Node, ...]) -> Iterator[str]:
    wanted = set(document.link_numbers())
    for node in nodes:
        given = {link.number for link in node.links}
        for number in sorted(wanted - given):
            yield f"Node {node.name} has no address for link {number}."
        for number in sorted(given - wanted):
            yield f"Node {node.name} has an address for link {number}, which has no interface section."


def _quorum_errors(quorum: Section | None, nodes: tuple[Node, ...]) -> Iterator[str]:
    if quorum is None or quorum.get("provider") != "corosync_votequorum":
        yield "There is no quorum provider; it must be corosync_votequorum."
    elif quorum.get("two_node", "0") != "0" and len(nodes) > 2:
        yield "two_node is on with more than two nodes: after a split each side could be quorate."


def _name_warnings(nodes: tuple[Node, ...], resolved: Mapping[str, str | None]) -> Iterator[str]:
    for node in nodes:
        for link in node.links:
            if _is_ip(link.address):
                continue
            address = resolved.get(link.address)
            if link.address in resolved and address is None:
                yield f"Link {link.number} of {node.name}: {link.address} cannot be resolved."
            else:
                store = f"its IP address, {address}," if address else "its IP address"
                yield f"Link {link.number} of {node.name}: {link.address} is a host name; better store {store} itself."


def _repeated(values: Iterable[_T]) -> list[_T]:
    return [value for value, count in Counter(values).items() if count > 1]


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
