"""What a peer says during a join, checked as a stranger's word: who it is, and what it sends when it adds a node.

Nothing of it is installed before all of it was found sound. Pure; how it was asked is `join.py`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.corosync import conf, names
from cluster.errors import InvalidInput, PeerError
from cluster.model import Link, Node
from cluster.workflow.preflight import KEY_BYTES_MAX, KEY_BYTES_MIN

LINE_LENGTH_MAX = 400
NODES_MAX = 256
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")


@dataclass(frozen=True, slots=True)
class PeerCluster:
    """The cluster as its member describes it before anything is asked of it."""

    name: str
    nodes: frozenset[str]
    links: frozenset[int]


@dataclass(frozen=True, slots=True)
class Addition:
    """What the cluster gave the new node. The key shows itself nowhere."""

    conf: bytes
    key: bytes = field(repr=False)
    uuid: str = ""
    nodes: tuple[Node, ...] = ()
    cluster_name: str = ""
    warnings: tuple[str, ...] = ()


def read_join_information(data: Any, fingerprint: str) -> PeerCluster:
    """GET /cluster/config/join. Raises PeerError when it is not a cluster's, or not this peer's."""
    try:
        totem, listed = _mapping(data["totem"]), data["nodelist"]
        preferred = data["preferred_node"]
        if not isinstance(listed, list) or not 0 < len(listed) <= NODES_MAX:
            raise PeerError("The peer lists no nodes, or too many.")
        entries = {names.node_name(_mapping(entry).get("name")): _mapping(entry) for entry in listed}
        shown = entries[preferred].get("pve_fp")
        name = names.cluster_name(totem.get("cluster_name"))
        links = frozenset(number for key in entries[preferred] if (number := _link_number(key)) is not None)
    except (KeyError, TypeError, InvalidInput) as error:
        raise PeerError("The peer did not describe its cluster in a way this node understands.") from error
    if not isinstance(shown, str) or shown.upper() != fingerprint.upper():
        raise PeerError(f"The peer says that its certificate is {str(shown)[:100]!r}, but shows another one.")
    return PeerCluster(name, frozenset(entries), links)


def read_api_version(data: Any) -> int:
    """GET /cluster/config/apiversion, a whole number."""
    if isinstance(data, str) and re.fullmatch(r"[0-9]{1,4}", data):
        data = int(data)
    if not isinstance(data, int) or isinstance(data, bool) or data < 0:
        raise PeerError("The peer's version of the join interface is not a number.")
    return data


def read_undo_token(data: Any) -> str:
    """The secret that takes the addition back; "" when the peer gave none."""
    token = data.get("undo_token") if isinstance(data, Mapping) else None
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else ""


def read_addition(data: Any, peer: PeerCluster, name: str, links: tuple[Link, ...]) -> Addition:
    """POST /cluster/config/nodes/{node}. Raises PeerError saying what is wrong with it."""
    given = _mapping(data)
    text, key_text = given.get("corosync_conf"), given.get("corosync_authkey")
    if not isinstance(text, str) or not isinstance(key_text, str):
        raise PeerError("The peer sent no configuration or no key.")
    document = _document(text)
    if document.cluster_name != peer.name:
        raise PeerError(f"The peer sent the configuration of another cluster ({document.cluster_name[:40]!r}).")
    listed = {node.name for node in document.nodes()}
    if listed != peer.nodes | {name}:
        raise PeerError("The peer sent a configuration with other nodes than its cluster has.")
    _check_entry(document.node(name), name, links)
    warnings = given.get("warnings") or []
    return Addition(
        text.encode(),
        _key(key_text),
        _uuid(given.get("cluster_uuid")),
        document.nodes(),
        document.cluster_name,
        tuple(str(line)[:LINE_LENGTH_MAX] for line in warnings[:32]) if isinstance(warnings, list) else (),
    )


def _document(text: str) -> conf.Document:
    try:
        document = conf.parse(text)
    except InvalidInput as error:
        raise PeerError(f"The configuration the peer sent cannot be read: {error.message}") from error
    verification = conf.verify(document)
    if not verification.ok:
        raise PeerError("The configuration the peer sent is not sound: " + " ".join(verification.errors))
    return document


def _check_entry(entry: Node | None, name: str, links: tuple[Link, ...]) -> None:
    if entry is None:
        raise PeerError(f"The configuration the peer sent does not name this node, {name}.")
    same = len(entry.links) == len(links) and all(
        ours.number == theirs.number and names.same_address(ours.address, theirs.address)
        for ours, theirs in zip(sorted(links), sorted(entry.links), strict=True)
    )
    if not same:
        raise PeerError("The configuration the peer sent gives this node other addresses than it asked for.")


def _key(text: str) -> bytes:
    try:
        key = text.encode("latin-1")
    except UnicodeEncodeError:
        raise PeerError("The corosync key the peer sent is not a key.") from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise PeerError(f"The corosync key the peer sent has {len(key)} bytes, which is no key's length.")
    return key


def _uuid(value: Any) -> str:
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) and len(value) == 36 else _no_uuid()
    except ValueError:
        return _no_uuid()


def _no_uuid() -> str:
    raise PeerError("The peer's cluster has no identity (UUID); is it a Quire cluster?")


def _mapping(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise PeerError("The peer's answer has not the form it should have.")
    return data


def _link_number(key: str) -> int | None:
    match = re.fullmatch(r"(?:ring|link)([0-7])_addr", key)
    return int(match[1]) if match else None
