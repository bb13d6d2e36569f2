"""The member's side of a join: add a node to corosync.conf, and take it out again if its join never comes through.

An addition is pending until the new node has written its certificate to the store: the joiner's word that it is a
member for good. Until then the joiner may take it back with the token it was given, and a node that was never seen
online by its deadline is withdrawn by this node itself. Additions happen one at a time. The joiner is `join.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.corosync import conf, names
from cluster.errors import Busy, Conflict, Forbidden, InvalidInput, NoQuorum, NotInCluster, QuireError, Unavailable
from cluster.model import Link, Node
from cluster.workflow import waiting, witness_rule
from cluster.workflow.clock import Clock
from cluster.workflow.host import Host
from cluster.workflow.join_tokens import JoinToken, JoinTokens
from cluster.workflow.pending import FormerEntry, PendingMember, PendingMembers, token_digest
from cluster.workflow.queue import Queue

CONFIGURATION = "corosync.conf"
API_VERSION = 1  # of the join interface; a joiner may be one older
PENDING_S = 240.0  # from the addition until the new node must have been seen online
TURN_S = 20.0  # how long one addition waits for another
STARTING_S = 8.0  # and for this node's store; both together within a peer's patience
UNWRITTEN_S = 20.0  # until an addition that is not in corosync.conf is taken for one that will not come
GONE_S = 15.0  # how long a withdrawal waits until the withdrawn node is seen to have left
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class AddedNode:
    """What the joiner gets. Key and token show themselves nowhere."""

    corosync_authkey: str = field(repr=False)  # the key's bytes as latin-1 text
    corosync_conf: str = ""
    cluster_uuid: str = ""
    undo_token: str = field(default="", repr=False)
    warnings: tuple[str, ...] = ()


class Additions:
    """The additions this node has made. `check` is to be called at every change of membership or of the store, and
    every few seconds while anything is pending."""

    def __init__(self, host: Host, path: Path, clock: Clock) -> None:
        self._host, self._clock = host, clock
        self._pending = PendingMembers(path)
        self._turn = asyncio.Lock()
        self._queue = Queue(clock)
        self.tokens = JoinTokens(host, clock)

    @property
    def pending(self) -> tuple[str, ...]:
        """The nodes whose join has not come through yet."""
        return tuple(member.node for member in self._pending.all())

    async def add(
        self,
        node: str,
        links: Mapping[int, str] | None = None,
        nodeid: int | None = None,
        votes: int | None = None,
        force: bool = False,
        new_node_ip: str | None = None,
        apiversion: int = 0,
        user: str = "root@pam",
        token: JoinToken | None = None,
        dry_run: bool = False,
    ) -> AddedNode:
        """With `token` one of its uses becomes this node's; with `dry_run` nothing is committed or given.
        Raises InvalidInput, Conflict, NoQuorum, Busy (Queued while others come first), NotInCluster, TokenRefused,
        OutcomeUnknown, Unavailable."""
        name = names.node_name(node)
        node_id = None if nodeid is None else names.node_id(nodeid)
        node_votes = None if votes is None else names.votes(votes)
        given = names.links(links or {}, allow_loopback=self._allow_loopback)
        _check_version(apiversion)
        if not dry_run and await self._host.store_read(CONFIGURATION) is not None:
            await waiting.settled(self._host, self._clock, STARTING_S)  # it may just be creating its cluster
        async with self.in_turn():
            await self._settle_pending()
            await self._check_quorum()
            document, digest = await self._document()
            await self._check_free(name)
            if not dry_run:
                self._queue.check(name, self.pending)
            if token is not None:
                await self.tokens.reserve(token, name)
            chosen = given or (self._single_link(document, new_node_ip),)
            warnings = await self._verified(document)
            earlier = self._pending.get(name)
            base = _without(document, earlier) if earlier is not None else document
            planned = conf.plan_node(base, name, chosen, node_id, node_votes, replace=force)
            extended = await witness_rule.fit(self._host, conf.add_node(base, planned, replace=force))
            changed = conf.render(extended).encode()
            await self._host.check_configuration(changed)
            if dry_run:
                return AddedNode("", changed.decode(), warnings=warnings)
            await waiting.key_at_rest(self._host, document.nodes(), self._clock)
            key = await self._host.read_local_key()
            if key is None:
                raise Unavailable("This node's corosync key cannot be read.")
            undo_token = secrets.token_urlsafe(32)
            await self._commit_pending(name, undo_token, base.node(name), changed, digest)
            await self._host.cluster_log(f"adding node {name} to cluster, by {user}")
            self._queue.drop(name)
            uuid = await self._host.cluster_uuid()
            return AddedNode(key.decode("latin-1"), changed.decode(), uuid, undo_token, warnings)

    async def withdraw(self, node: str, undo_token: str) -> None:
        """The joiner gave up. Nothing pending of that name: nothing to do. Raises Forbidden, Conflict, NoQuorum …"""
        async with self.in_turn():
            await self._settle_pending()
            member = self._pending.get(node)
            if member is None:
                if (await self._document())[0].node(node) is not None:
                    raise Conflict(f"{node} is a member of the cluster by now; remove it instead.")
                return
            if not member.opens_with(undo_token):
                raise Forbidden(f"This is not the token that takes the addition of {node} back.")
            await self._wait_until_gone(node)
            await self._take_out(member, "its join was given up")

    async def check(self) -> None:
        """See who came through, who is online, and whose time is over. Never raises; what fails is tried again."""
        if not self._pending.all() or self._turn.locked():
            return
        with contextlib.suppress(QuireError):
            async with self.in_turn():
                await self._settle_pending()
                for member in self._pending.all():
                    if not member.seen_online and self._clock.unix_s() > await self._deadline_s(member):
                        await self._take_out(member, "it never came online")

    async def _deadline_s(self, member: PendingMember) -> float:
        """Earlier for a node that was never written: this daemon ended, or lost its quorum, in the middle of that."""
        listed = (await self._document())[0].node(member.node) is not None
        return member.deadline_s if listed else member.deadline_s - PENDING_S + UNWRITTEN_S

    def forget(self, node: str) -> None:
        """The node was removed: whether its join comes through matters no more."""
        self._pending.drop(node)

    @contextlib.asynccontextmanager
    async def in_turn(self) -> AsyncIterator[None]:
        """One change of the members at a time. Raises Busy."""
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy("Another node is being added or removed right now. Try again in a moment.") from None
        try:
            yield
        finally:
            self._turn.release()

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _allow_loopback(self) -> bool:
        return self._host.engine_name != "corosync"

    async def _settle_pending(self) -> None:
        """Bring the records up to date with what the store and the membership say."""
        online = await self._host.online_nodes()
        for member in self._pending.all():
            if await self._certificate_digest(member.node) != member.certificate_digest:
                self._pending.drop(member.node)
            elif member.node in online and not member.seen_online:
                member.seen_online = True
                self._pending.put(member)

    async def _check_quorum(self) -> None:
        state = await self._host.store_state()
        if not state.writable:
            raise NoQuorum(f"The cluster cannot take a new node now: {state.reason or 'it has no quorum'}")

    async def _check_free(self, name: str) -> None:
        if name == self._host.name:
            raise Conflict(f"{name} is the node you are asking.", fields={"node": "This is the asked node's own name."})
        if name in await self._host.online_nodes():
            sentence = f"A node named {name} is part of the cluster and online."
            raise Conflict(sentence, fields={"node": sentence})

    def _single_link(self, document: conf.Document, new_node_ip: str | None) -> Link:
        numbers = document.link_numbers()
        if new_node_ip is None or len(numbers) != 1:
            listed = ", ".join(map(str, numbers))
            fields = {f"link{number}": "An address of the new node on this link is needed." for number in numbers}
            raise InvalidInput(f"The cluster uses the links {listed}: give an address for each of them.", fields=fields)
        address = names.link_address(new_node_ip, "new_node_ip", allow_loopback=self._allow_loopback)
        return Link(numbers[0], address)

    async def _document(self) -> tuple[conf.Document, str]:
        stored = await self._host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        return conf.parse(stored.data), stored.digest

    async def _verified(self, document: conf.Document) -> tuple[str, ...]:
        resolved = {}
        for name in conf.host_names(document):
            resolved[name] = next(iter(await self._host.resolve(name)), None)
        verification = conf.verify(document, resolved=resolved)
        if not verification.ok:
            numbered = {f"error{place}": sentence for place, sentence in enumerate(verification.errors)}
            numbered |= {f"warning{place}": sentence for place, sentence in enumerate(verification.warnings)}
            raise Conflict("The cluster's corosync.conf is not sound; mend it first.", fields=numbered)
        return verification.warnings

    async def _commit_pending(
        self, name: str, token: str, former: Node | None, changed: bytes, expected_digest: str
    ) -> None:
        """The record first: a node that is listed without one could never be taken back."""
        earlier = self._pending.get(name)
        member = PendingMember(
            name,
            token_digest(token),
            self._clock.unix_s() + PENDING_S,
            await self._certificate_digest(name),
            former=_entry(former) if former is not None else None,
        )
        self._pending.put(member)
        try:
            await self._host.write_configuration(changed, expected_digest)
        except (Conflict, NoQuorum, InvalidInput, Busy):  # certainly not written; after anything else the record stays
            if earlier is not None:
                self._pending.put(earlier)
            else:
                self._pending.drop(name)
            raise

    async def _take_out(self, member: PendingMember, reason: str) -> None:
        document, digest = await self._document()
        if document.node(member.node) is not None:
            without = await witness_rule.fit(self._host, _without(document, member))
            withdrawn = member.node if member.former is None else ""
            await self._host.write_configuration(conf.render(without).encode(), digest, withdrawn)
            await self._host.cluster_log(f"node {member.node} taken out of the cluster again: {reason}")
        self._pending.drop(member.node)
        await self.tokens.release(member.node)

    async def _wait_until_gone(self, node: str) -> None:
        end_s = self._clock.monotonic_s() + GONE_S
        while node in await self._host.online_nodes():
            if self._clock.monotonic_s() >= end_s:
                raise Conflict(f"{node} is still online; it must leave before its addition is taken back.")
            await self._clock.sleep(POLL_S)

    async def _certificate_digest(self, node: str) -> str:
        stored = await self._host.store_read(f"nodes/{node}/pve-ssl.pem")
        return stored.digest if stored is not None else ""


def _check_version(apiversion: int) -> None:
    if apiversion < API_VERSION - 1:
        raise Conflict("The new node's version is too old for this cluster. Update it first.")


def _without(document: conf.Document, member: PendingMember) -> conf.Document:
    """The configuration as it was before the pending addition, with a higher version."""
    if document.node(member.node) is None:
        return document
    if member.former is None:
        return conf.remove_node(document, member.node)
    former = member.former
    links = tuple(Link(number, address) for number, address in sorted(former.addresses.items()))
    return conf.add_node(document, Node(member.node, former.node_id, former.votes, links), replace=True)


def _entry(node: Node) -> FormerEntry:
    return FormerEntry(node.node_id, node.votes, {link.number: link.address for link in node.links})
