"""Compares all nodes of the cluster: every one says how it stands, and what differs is told, with what to do about it.

What is asked goes through the status group and is answered at once by every daemon; nothing is changed. Nodes that
write meanwhile stand at different revisions for a moment, so a difference of revisions alone is looked at again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cluster import version
from cluster.core.findings import Finding, Severity, finding
from cluster.core.preflight import CLOCK_ERROR_S, CLOCK_WARNING_S
from cluster.corosync import conf
from cluster.errors import NotInCluster
from cluster.model import Node
from cluster.node import board_messages, certificates, first_start
from cluster.node.replies import Replies

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

ANSWER_S, POLL_S = 2.0, 0.05
LOOKS, LOOK_AGAIN_S = 5, 0.3
SERVED_S = 30.0  # after a certificate was written its node serves it, a grace delay included
Answered = Callable[[str, "Heard"], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a node said, and when it was heard."""

    said: board_messages.Standing
    at_s: float

    @property
    def clock_s(self) -> float:
        """How far ahead of ours its clock is, less than the message's way."""
        return self.said.time_s - self.at_s


class Verification:
    """`verify` tells `answered` of each node when it is heard first."""

    def __init__(
        self, daemon: Daemon, corosync_version: Callable[[], Awaitable[str]], now_s: Callable[[], float] = time.time
    ) -> None:
        self._daemon, self._corosync_version, self._now_s = daemon, corosync_version, now_s
        self._heard: dict[int, Heard] = {}
        self._replies = Replies(daemon, "The question how this node stands")
        daemon.board.standing = self._hear

    async def verify(self, answered: Answered = lambda name, one: None) -> tuple[dict[int, Heard], list[Finding]]:
        """Who said what, by node id, and what is not as it should be. Raises NotInCluster, Unavailable."""
        document = self._daemon.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster, so there is nothing to compare it with.")
        heard: dict[int, Heard] = {}
        names = {node.node_id: node.name for node in document.nodes()}
        for _ in range(LOOKS):
            heard = await self._ask(names, answered)
            names = {node_id: name for node_id, name in names.items() if node_id not in heard}
            if len({(one.said.epoch, one.said.index) for one in heard.values()}) <= 1:
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        certified = {node.name: self._certificate_fault(node.name) for node in document.nodes()}
        late = {one.node_id for one in self._daemon.life.replica.behind}
        stored = {node.name: self._stored_certificate(node.name) for node in document.nodes()}
        return heard, [
            *compare(document, heard, certified), *compare_certificates(document, heard, stored),
            *compare_members(document, heard), *lagging(document, late),
        ]  # fmt: skip

    async def _ask(self, names: Mapping[int, str], answered: Answered) -> dict[int, Heard]:
        self._heard, told = {}, set[int]()
        self._replies.say(board_messages.StandingAsked())
        end_s = time.monotonic() + ANSWER_S
        while True:
            for node_id in self._heard.keys() - told:
                told.add(node_id)
                if node_id in names:
                    answered(names[node_id], self._heard[node_id])
            if self._daemon.board.members <= told or time.monotonic() > end_s:
                return dict(self._heard)
            await asyncio.sleep(POLL_S)

    def _hear(self, node_id: int, message: board_messages.StandingAsked | board_messages.Standing) -> None:
        if isinstance(message, board_messages.Standing):
            self._heard[node_id] = Heard(message, self._now_s())
        else:
            self._replies.give(self._own)

    async def _own(self) -> board_messages.Standing:
        corosync = await self._corosync_version()
        daemon = self._daemon
        options, replica = daemon.options, daemon.life.replica
        text = options.configuration.read_bytes() if options.configuration.exists() else b""
        key = options.authkey.read_bytes() if options.authkey.exists() else b""
        point = replica.machine.log.commit
        return board_messages.Standing(
            self._now_s(), conf.parse(text).config_version if text else 0, conf.digest(text) if text else "",
            hashlib.sha256(b"quire verify" + key).hexdigest() if key else "", point.epoch, point.index,
            point.hash.hex(), replica.writable, version.VERSION, corosync, daemon.served.fingerprint,
            tuple(sorted(daemon.view.members)) if daemon.view is not None else (),
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

    def _stored_certificate(self, name: str) -> str:
        """Its fingerprint; "" where there is none that can be read, and for one so new that it is not served yet."""
        entry = self._daemon.life.tree.find(first_start.certificate_paths(name)[0])
        if entry is None or entry.data is None or self._now_s() - entry.mtime_s < SERVED_S:
            return ""
        with contextlib.suppress(ValueError):
            return certificates.fingerprint(entry.data)
        return ""


def rows(document: conf.Document | None, heard: Mapping[int, Heard]) -> list[dict[str, Any]]:
    """A row for each node: what it said, for tables."""
    found = []
    for member in document.nodes() if document is not None else ():
        one = heard.get(member.node_id)
        row: dict[str, Any] = {"name": member.name, "online": one is not None}
        if one is not None:
            said = one.said
            row |= {
                "config_version": said.config_version,
                "config_digest": said.config_digest,
                "revision": [said.epoch, said.index],
                "store_digest": said.store_digest,
                "version": said.version,
                "corosync": said.corosync,
                "certificate": said.certificate,
                "clock_ms": round(one.clock_s * 1000),
            }
        found.append(row)
    return found


def compare(document: conf.Document, heard: Mapping[int, Heard], certified: Mapping[str, str]) -> list[Finding]:
    """Pure: what differs between nodes, and from the committed configuration."""
    found: list[Finding] = []
    digest = conf.digest(document.source)
    keys = _most([one.said.key_digest for one in heard.values()])
    versions = sorted({one.said.version for one in heard.values()})
    for node in document.nodes():
        if certified.get(node.name):
            found.append(finding("certificate", "error", f"{node.name} {certified[node.name]}.", node.name,
                                 "Restart its daemon; it makes a new one when the store can be written."))  # fmt: skip
        if node.node_id not in heard:
            found.append(finding("offline", "error", f"{node.name} does not answer.", node.name,
                                 "Start it, look at its links, or remove it if it is gone for good."))  # fmt: skip
        else:
            found += _compare_one(node, heard[node.node_id], document.config_version, digest, keys)
    if len(versions) > 1:
        found.append(finding("version", "warning", f"Different versions run: {', '.join(versions)}.", "",
                             "Update the older nodes."))  # fmt: skip
    engines = sorted({one.said.corosync for one in heard.values() if one.said.corosync})
    if len(engines) > 1:
        found.append(finding("corosync", "warning", f"Different versions of corosync run: {', '.join(engines)}.", "",
                             "Update the older nodes, one after the other."))  # fmt: skip
    return found + _compare_stores(document.nodes(), heard)


def compare_certificates(
    document: conf.Document, heard: Mapping[int, Heard], stored: Mapping[str, str]
) -> list[Finding]:
    """Pure: who serves another certificate than the cluster has for it."""
    return [
        finding("certificate-served", "warning", f"{node.name} serves another certificate than the cluster has for it.",
                node.name, "Run 'pvecm updatecerts' there, or restart its daemon.")
        for node in document.nodes()
        if node.node_id in heard and heard[node.node_id].said.certificate and stored.get(node.name)
        and heard[node.node_id].said.certificate != stored[node.name]
    ]  # fmt: skip


def compare_members(document: conf.Document, heard: Mapping[int, Heard]) -> list[Finding]:
    """Pure: whose engine sees other members than most do."""
    most = _most([",".join(map(str, one.said.members)) for one in heard.values()])
    names = {node.node_id: node.name for node in document.nodes()}
    return [
        finding("members", "error", f"{names[node_id]} sees the nodes "
                f"{','.join(map(str, one.said.members)) or 'none'}, others see {most or 'none'}.", names[node_id],
                "Look at its links; wait until it settles.")
        for node_id, one in sorted(heard.items())
        if node_id in names and ",".join(map(str, one.said.members)) != most
    ]  # fmt: skip


def lagging(document: conf.Document, late: Collection[int]) -> list[Finding]:
    """Pure: members that do not confirm what they are sent."""
    return [
        finding("lagging", "warning", f"{node.name} has not confirmed for more than 10 s what the others have written.",
                node.name, "Look at the disk and the load there.")
        for node in document.nodes() if node.node_id in late
    ]  # fmt: skip


def _compare_one(node: Node, one: Heard, version_: int, digest: str, key: str) -> list[Finding]:
    said, found = one.said, []
    if said.config_digest != digest:
        found.append(finding("configuration", "error",
                                 f"{node.name} has corosync.conf version {said.config_version} on its disk, not the "
                                 f"cluster's version {version_}.", node.name,
                                 "Restart its daemon, which copies it."))  # fmt: skip
    if said.key_digest != key:
        found.append(finding("key", "error", f"{node.name} has another corosync key on its disk.", node.name,
                             "Copy authkey from another node, or let it leave and join again."))  # fmt: skip
    if not said.writable:
        found.append(finding("store", "error", f"{node.name} cannot write its store now.", node.name,
                             "Its page says why."))  # fmt: skip
    if abs(one.clock_s) > CLOCK_WARNING_S:
        severity: Severity = "error" if abs(one.clock_s) > CLOCK_ERROR_S else "warning"
        way = "ahead of" if one.clock_s > 0 else "behind"
        found.append(finding("clock", severity,
                                 f"The clock of {node.name} is {abs(one.clock_s):.1f} s {way} this node's.",
                                 node.name, "Let both follow the same time servers (NTP)."))  # fmt: skip
    return found


def _compare_stores(nodes: tuple[Node, ...], heard: Mapping[int, Heard]) -> list[Finding]:
    stands = [(node.name, heard[node.node_id].said) for node in nodes if node.node_id in heard]
    newest = max(((said.epoch, said.index) for _, said in stands), default=(0, 0))
    digests = _most([said.store_digest for _, said in stands if (said.epoch, said.index) == newest])
    found = []
    for name, said in stands:
        if (said.epoch, said.index) != newest:
            found.append(finding("revision", "warning",
                                 f"{name} is at revision {said.epoch}.{said.index}, others at {newest[0]}.{newest[1]}.",
                                 name,
                                 "Nothing while changes are being made; else look at the node's log."))  # fmt: skip
        elif said.store_digest != digests:
            found.append(finding("digest", "error", f"The store of {name} differs from that of the others.", name,
                                 "Run 'pvecm store verify' on it; let it leave and join again."))  # fmt: skip
    return found


def _most(values: list[str]) -> str:
    """The value most nodes have."""
    return max(sorted(set(values)), key=values.count, default="")
