"""Compares all nodes of the cluster: every one says how it stands, and what differs is told, with what to do about it.

What is asked goes through the status group and is answered at once by every daemon; nothing is changed. Nodes that
write meanwhile stand at different revisions for a moment, so a difference of revisions alone is looked at again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cluster import version
from cluster.corosync import conf
from cluster.errors import NotInCluster, QuireError, Unavailable
from cluster.model import Node
from cluster.node import board, certificates, first_start

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

ANSWER_S, POLL_S = 2.0, 0.05
LOOKS, LOOK_AGAIN_S = 5, 0.3
CLOCK_WARNING_S, CLOCK_ERROR_S = 2.0, 30.0  # tickets forgive five minutes, people and logs do not


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that differs. `node` is empty when it concerns all."""

    node: str
    code: str
    severity: str
    sentence: str
    advice: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a node said, and when it was heard."""

    said: board.Standing
    at_s: float

    @property
    def clock_s(self) -> float:
        """How far ahead of ours its clock is, less than the message's way."""
        return self.said.time_s - self.at_s


class Verification:
    def __init__(self, daemon: Daemon, now_s: Callable[[], float] = time.time) -> None:
        self._daemon, self._now_s = daemon, now_s
        self._heard: dict[int, Heard] = {}
        daemon.board.standing = self._hear

    async def verify(self) -> tuple[dict[int, Heard], list[Finding]]:
        """Who said what, by node id, and what is not as it should be. Raises NotInCluster, Unavailable."""
        document = self._daemon.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster, so there is nothing to compare it with.")
        heard: dict[int, Heard] = {}
        for _ in range(LOOKS):
            heard = await self._ask()
            if len({(one.said.epoch, one.said.index) for one in heard.values()}) <= 1:
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        certified = {node.name: self._certificate_fault(node.name) for node in document.nodes()}
        late = {one.node_id for one in self._daemon.life.replica.behind}
        return heard, [*compare(document, heard, certified), *lagging(document, late)]

    async def _ask(self) -> dict[int, Heard]:
        self._heard = {}
        try:
            self._daemon.life.connection.engine.multicast(board.GROUP, board.encode(board.StandingAsked()))
        except QuireError as error:
            raise Unavailable(f"The other nodes cannot be asked: {error.message}") from error
        end_s = time.monotonic() + ANSWER_S
        while not self._daemon.board.members <= self._heard.keys() and time.monotonic() < end_s:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        return dict(self._heard)

    def _hear(self, node_id: int, message: board.StandingAsked | board.Standing) -> None:
        if isinstance(message, board.Standing):
            self._heard[node_id] = Heard(message, self._now_s())
            return
        try:
            said = board.encode(self._own())
            self._daemon.life.connection.engine.multicast(board.GROUP, said)
        except (QuireError, OSError):
            return  # who does not answer is told of as such

    def _own(self) -> board.Standing:
        daemon = self._daemon
        options, replica = daemon.options, daemon.life.replica
        text = options.configuration.read_bytes() if options.configuration.exists() else b""
        key = options.authkey.read_bytes() if options.authkey.exists() else b""
        point = replica.machine.log.commit
        return board.Standing(
            self._now_s(), conf.parse(text).config_version if text else 0, conf.digest(text) if text else "",
            hashlib.sha256(b"quire verify" + key).hexdigest() if key else "", point.epoch, point.index,
            point.hash.hex(), replica.writable, version.VERSION,
        )  # fmt: skip

    def _certificate_fault(self, name: str) -> str:
        """Why a node's certificate in the tree is not fit for use; "" when it is."""
        tree = self._daemon.life.tree
        path, _ = first_start.certificate_paths(name)
        certificate, authority = tree.read(path), tree.read(first_start.AUTHORITY)
        if certificate is None or authority is None:
            return "has no certificate in the store"
        now = datetime.fromtimestamp(self._now_s(), UTC)
        if certificates.needs_renewal(certificate, authority, name, [], now):
            return "has a certificate that has expired, or is not of the cluster's authority"
        return ""


def compare(document: conf.Document, heard: Mapping[int, Heard], certified: Mapping[str, str]) -> list[Finding]:
    """Pure: what differs between nodes, and from the committed configuration."""
    found: list[Finding] = []
    digest = conf.digest(document.source)
    keys = _most([one.said.key_digest for one in heard.values()])
    versions = sorted({one.said.version for one in heard.values()})
    for node in document.nodes():
        if certified.get(node.name):
            found.append(Finding(node.name, "certificate", "error", f"{node.name} {certified[node.name]}.",
                                 "Restart its daemon; it makes a new one when the store can be written."))  # fmt: skip
        if node.node_id not in heard:
            found.append(Finding(node.name, "offline", "error", f"{node.name} does not answer.",
                                 "Start it, look at its links, or remove it if it is gone for good."))  # fmt: skip
        else:
            found += _compare_one(node, heard[node.node_id], document.config_version, digest, keys)
    if len(versions) > 1:
        found.append(Finding("", "version", "warning", f"Different versions run: {', '.join(versions)}.",
                             "Update the older nodes."))  # fmt: skip
    return found + _compare_stores(document.nodes(), heard)


def lagging(document: conf.Document, late: Collection[int]) -> list[Finding]:
    """Pure: members that do not confirm what they are sent."""
    return [
        Finding(node.name, "lagging", "warning",
                f"{node.name} has not confirmed for more than 10 s what the others have written.",
                "Look at the disk and the load there.")
        for node in document.nodes() if node.node_id in late
    ]  # fmt: skip


def _compare_one(node: Node, one: Heard, version_: int, digest: str, key: str) -> list[Finding]:
    said, found = one.said, []
    if said.config_digest != digest:
        found.append(Finding(node.name, "configuration", "error",
                             f"{node.name} has corosync.conf version {said.config_version} on its disk, not the "
                             f"cluster's version {version_}.", "Restart its daemon, which copies it."))  # fmt: skip
    if said.key_digest != key:
        found.append(Finding(node.name, "key", "error", f"{node.name} has another corosync key on its disk.",
                             "Copy authkey from another node, or let it leave and join again."))  # fmt: skip
    if not said.writable:
        found.append(Finding(node.name, "store", "error", f"{node.name} cannot write its store now.",
                             "Its page says why."))  # fmt: skip
    if abs(one.clock_s) > CLOCK_WARNING_S:
        severity = "error" if abs(one.clock_s) > CLOCK_ERROR_S else "warning"
        way = "ahead of" if one.clock_s > 0 else "behind"
        found.append(Finding(node.name, "clock", severity,
                             f"The clock of {node.name} is {abs(one.clock_s):.1f} s {way} this node's.",
                             "Let both follow the same time servers (NTP)."))  # fmt: skip
    return found


def _compare_stores(nodes: tuple[Node, ...], heard: Mapping[int, Heard]) -> list[Finding]:
    stands = [(node.name, heard[node.node_id].said) for node in nodes if node.node_id in heard]
    newest = max(((said.epoch, said.index) for _, said in stands), default=(0, 0))
    digests = _most([said.store_digest for _, said in stands if (said.epoch, said.index) == newest])
    found = []
    for name, said in stands:
        if (said.epoch, said.index) != newest:
            found.append(Finding(name, "revision", "warning",
                                 f"{name} is at revision {said.epoch}.{said.index}, others at {newest[0]}.{newest[1]}.",
                                 "Nothing while changes are being made; else look at the node's log."))  # fmt: skip
        elif said.store_digest != digests:
            found.append(Finding(name, "digest", "error", f"The store of {name} differs from that of the others.",
                                 "Run 'pvecm store verify' on it; let it leave and join again."))  # fmt: skip
    return found


def _most(values: list[str]) -> str:
    """The value most nodes have."""
    return max(sorted(set(values)), key=values.count, default="")
