"""The fake of `host.py`: nodes in memory that found, join and leave clusters, and fail wherever a test wants them to.

Hosts on one `FakeNetwork` see each other as real ones would: when both engines run, hold the same key, and each is in
the other's corosync.conf. Everything a real node has on disk is in `disk`, which outlives a `Killed` daemon.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.corosync import conf
from cluster.engine.base import EngineStatus, LinkStatus
from cluster.errors import Conflict, InvalidInput, NoQuorum, StoreRefusal, Unavailable
from cluster.model import Quorum, Revision, RingId, StoreState
from cluster.workflow.cleaning import NOTHING, Cleaning
from cluster.workflow.host import StoredFile

CONFIGURATION = "corosync.conf"
PRISTINE = {"authkey.pub": b"own public key", "pve-root-ca.pem": b"own authority", "nodes/{}/pve-ssl.pem": b"own"}


class Killed(BaseException):
    """The daemon dies at this point: nothing after it runs, no undoing either."""


@dataclass
class FakeStore:
    """A node's copy of the tree and the lineage it belongs to. `voters` are the nodes that ever had all of it."""

    uuid: str
    files: dict[str, bytes]
    voters: set[str] = field(default_factory=set)
    blank: bool = False

    def copy(self) -> FakeStore:
        return replace(self, files=dict(self.files), voters=set(self.voters))


@dataclass
class FakeDisk:
    """What survives a killed daemon. `aside` is what install_configuration kept: (conf, key) or None."""

    store: FakeStore
    conf: bytes | None = None
    key: bytes | None = None
    aside: tuple[bytes | None, bytes | None] | None = None
    backups: dict[str, FakeStore] = field(default_factory=dict)

    def snapshot(self) -> tuple[Any, ...]:
        """Everything, to compare before and after."""
        store = self.store
        return store.uuid, store.blank, dict(store.files), self.conf, self.key, self.aside, dict(self.backups)


class FakeNetwork:
    """Which hosts there are, and between which of them nothing passes."""

    def __init__(self) -> None:
        self.hosts: list[FakeHost] = []
        self.cut: set[frozenset[str]] = set()

    def connects(self, one: FakeHost, other: FakeHost) -> bool:
        return frozenset((one.name, other.name)) not in self.cut


class FakeHost:
    """See `host.py`. `fail` maps a method's name to what it raises, before its effect; `fail_after` after it."""

    def __init__(self, name: str, address: str, network: FakeNetwork, engine_name: str = "corosync") -> None:
        self.name, self.address, self.engine_name = name, address, engine_name
        self.network = network
        network.hosts.append(self)
        files = {path.format(name): data for path, data in PRISTINE.items()}
        self.disk = FakeDisk(FakeStore(f"alone-{name}", files))
        self.engine_runs = False
        self.addresses = {address: "eth0"}
        self.resolves: dict[str, tuple[str, ...]] = {}
        self.never_synchronises = False
        self.logged: list[str] = []
        self.settled = 0
        self.was_told = False  # a member said that this node was taken out
        self.ended: list[int] = []
        self.answering: dict[str, tuple[str, ...]] = {}
        self.lingering: set[int] = set()  # taken out, and still in the engine's ring
        self.calls: list[str] = []
        self.fail: dict[str, BaseException] = {}
        self.fail_after: dict[str, BaseException] = {}

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name.startswith("_") or not inspect.iscoroutinefunction(found):
            return found
        return self._failing(name, found)

    def _failing(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            if name in self.fail:
                raise self.fail[name]
            result = await method(*arguments, **named)
            if name in self.fail_after:
                raise self.fail_after[name]
            return result

        return call

    # --- what is ------------------------------------------------------------------------------------------------------

    async def local_addresses(self) -> Mapping[str, str]:
        return dict(self.addresses)

    async def resolve(self, host_name: str) -> tuple[str, ...]:
        return self.resolves.get(host_name, (host_name,) if host_name[:1].isdigit() or ":" in host_name else ())

    async def configured_cluster(self) -> str:
        document = self._document()
        return document.cluster_name if document is not None else ""

    async def engine_status(self) -> EngineStatus:
        if not self.engine_runs or self.disk.conf is None:
            return EngineStatus(running=self.engine_runs)
        nodes = conf.parse(self.disk.conf).nodes()
        seen = self._seen()
        present = [node for node in nodes if node.name in seen]
        votes, expected = sum(node.votes for node in present), sum(node.votes for node in nodes)
        needed = expected // 2 + 1
        links = [
            LinkStatus(node.node_id, link.number, node.name in seen)
            for node in nodes
            if node.name != self.name
            for link in node.links
        ]
        ids = tuple(sorted({node.node_id for node in present} | self.lingering))
        quorum = Quorum(votes >= needed, expected, votes, needed)
        return EngineStatus(True, ids[0], RingId(1, ids[0]), ids, quorum, links=tuple(links))

    async def store_state(self) -> StoreState:
        self._synchronise()
        reason = ""
        if self.disk.store.blank:
            reason = "this node has not received the cluster's files yet"
        elif self._document() is not None and not self._has_majority(frozenset()):
            reason = "too few votes are present"
        return StoreState(not reason, reason, Revision(1, 1), "")

    async def told_removed(self) -> bool:
        return self.was_told

    async def online_nodes(self) -> frozenset[str]:
        return frozenset(self._seen() | {self.name})

    # --- the files corosync reads -------------------------------------------------------------------------------------

    async def read_local_configuration(self) -> bytes | None:
        return self.disk.conf

    async def read_local_key(self) -> bytes | None:
        return self.disk.key

    async def generate_key(self) -> bytes:
        return hashlib.shake_256(f"key of {self.name}".encode()).digest(256)

    async def check_configuration(self, text: bytes) -> None:
        if not conf.verify(conf.parse(text)).ok:
            raise InvalidInput("corosync would not take this.")

    async def install_configuration(self, text: bytes, key: bytes) -> None:
        if self.disk.aside is None:
            self.disk.aside = (self.disk.conf, self.disk.key)
        self.disk.conf, self.disk.key = text, key

    async def remove_configuration(self) -> None:
        if self.disk.aside is None:
            self.disk.aside = (self.disk.conf, self.disk.key)
        self.disk.conf = self.disk.key = None

    async def restore_configuration(self) -> None:
        if self.disk.aside is not None:
            self.disk.conf, self.disk.key = self.disk.aside
            self.disk.aside = None

    # --- the engine ---------------------------------------------------------------------------------------------------

    async def start_engine(self) -> None:
        if self.disk.conf is None:
            raise Unavailable("corosync has no configuration.")
        self.engine_runs = True
        self._synchronise()

    async def stop_engine(self) -> None:
        self.engine_runs = False

    async def answering_nodes(self) -> Mapping[str, tuple[str, ...]]:
        return self.answering

    # --- the store ----------------------------------------------------------------------------------------------------

    async def store_read(self, path: str) -> StoredFile | None:
        data = self.disk.store.files.get(path)
        return StoredFile(data, conf.digest(data)) if data is not None else None

    async def store_paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.disk.store.files))

    async def store_write_all(self, files: Mapping[str, bytes]) -> None:
        self._commit(dict(files), frozenset())

    async def store_is_pristine(self) -> bool:
        return set(self.disk.store.files) == {path.format(self.name) for path in PRISTINE}

    async def cluster_uuid(self) -> str:
        return self.disk.store.uuid

    async def backup_store(self) -> str:
        name = f"store-{len(self.disk.backups)}"
        self.disk.backups[name] = self.disk.store.copy()
        return name

    async def found_cluster(self, uuid: str, text: bytes) -> None:
        if self.disk.store.uuid != uuid:
            self.disk.store = FakeStore(uuid, {**self.disk.store.files, CONFIGURATION: text}, {self.name})

    async def adopt_cluster(self, uuid: str) -> None:
        self.disk.store = FakeStore(uuid, {}, blank=True)

    async def separate_store(self, confirmed: bool) -> None:
        if CONFIGURATION not in self.disk.store.files:
            return
        own = {path.format(self.name): data for path, data in PRISTINE.items()}
        left_out = {CONFIGURATION, *own}
        if confirmed:
            here = f"nodes/{self.name}/"
            left_out |= {path for path in self.disk.store.files if path.startswith("nodes/") and here not in path}
        kept = {path: data for path, data in self.disk.store.files.items() if path not in left_out}
        kept = {path: data for path, data in kept.items() if not path.startswith("priv/removed/")}
        self.disk.store = FakeStore(f"alone-{self.name}-again", {**kept, **own})

    async def restore_store(self, backup: str, *, keep: bool = False) -> None:
        if backup in self.disk.backups:
            self.disk.store = self.disk.backups[backup].copy()
            if not keep:
                del self.disk.backups[backup]

    # --- a member's part ----------------------------------------------------------------------------------------------

    async def write_configuration(self, text: bytes, expected_digest: str, withdrawn: str = "") -> None:
        present = self.disk.store.files.get(CONFIGURATION)
        if present is None or conf.digest(present) != expected_digest:
            raise Conflict("corosync.conf was changed meanwhile.")
        self._commit({CONFIGURATION: text}, frozenset({withdrawn} - {""}))

    async def store_clean(self, cleaning: Cleaning) -> None:
        self._commit(self._cleaned(cleaning), frozenset())
        self._drop(cleaning)

    def _cleaned(self, cleaning: Cleaning) -> dict[str, bytes]:
        files = self.disk.store.files
        found = {path: conf.digest(files[path]) if path in files else "" for path in cleaning.expected}
        if found != dict(cleaning.expected):
            raise Conflict("The configuration was changed meanwhile.")
        return {target: files[source] for source, target in cleaning.moved} | dict(cleaning.written)

    def _drop(self, cleaning: Cleaning) -> None:
        for host in self.network.hosts:
            if host.disk.store.uuid == self.disk.store.uuid:
                for path in (*(source for source, _ in cleaning.moved), *cleaning.removed):
                    host.disk.store.files.pop(path, None)

    async def commit_removal(
        self, text: bytes, expected_digest: str, node_id: int, cleaning: Cleaning = NOTHING
    ) -> None:
        present = self.disk.store.files.get(CONFIGURATION)
        if present is None or conf.digest(present) != expected_digest:
            raise Conflict("corosync.conf was changed meanwhile.")
        removed = next(node.name for node in conf.parse(present).nodes() if node.node_id == node_id)
        self.lingering |= {node_id} if removed in self._seen() - {self.name} else set()
        self._commit({CONFIGURATION: text, **self._cleaned(cleaning)}, frozenset({removed}))
        self._drop(cleaning)

    async def activate_configuration(self) -> None:
        pass

    async def end_member(self, node_id: int) -> bool:
        self.ended.append(node_id)
        self.lingering.discard(node_id)
        return True

    async def leave_groups(self) -> None:
        pass

    async def refresh_certificate(self) -> str:
        self._commit({f"nodes/{self.name}/pve-ssl.pem": f"issued to {self.name}".encode()}, frozenset())
        return ":".join(["AB"] * 32)

    async def cluster_log(self, sentence: str) -> None:
        self.logged.append(sentence)

    async def settle(self) -> None:
        self.disk.aside = None
        self.settled += 1

    # --- how the fakes see each other ---------------------------------------------------------------------------------

    def _document(self) -> conf.Document | None:
        text = self.disk.store.files.get(CONFIGURATION)
        return conf.parse(text) if text is not None else None

    def _seen(self) -> set[str]:
        """Names of the hosts in this one's membership, itself included."""
        if not self.engine_runs or self.disk.conf is None:
            return set()
        listed = {node.name for node in conf.parse(self.disk.conf).nodes()}
        return {host.name for host in self.network.hosts if host.name in listed and self._meets(host)}

    def _meets(self, other: FakeHost) -> bool:
        if other is self:
            return True
        if not other.engine_runs or other.disk.conf is None or other.disk.key != self.disk.key:
            return False
        return self.network.connects(self, other) and conf.parse(other.disk.conf).node(self.name) is not None

    def _synchronise(self) -> None:
        """A blank store fills from any member of its lineage."""
        if not self.disk.store.blank or self.never_synchronises:
            return
        for host in self.network.hosts:
            same = host.disk.store.uuid == self.disk.store.uuid and not host.disk.store.blank
            if host is not self and same and host.name in self._seen():
                for member in self.network.hosts:
                    if member.disk.store.uuid == host.disk.store.uuid:
                        member.disk.store.voters.add(self.name)
                self.disk.store = host.disk.store.copy()
                return

    def _has_majority(self, without: frozenset[str]) -> bool:
        document = self._document()
        if document is None:
            return True
        voters = self.disk.store.voters - without
        votes = {node.name: node.votes for node in document.nodes() if node.name in voters}
        present = sum(count for name, count in votes.items() if name in self._seen())
        return present * 2 > sum(votes.values())

    def _commit(self, files: dict[str, bytes], without: frozenset[str]) -> None:
        if self.disk.store.blank:
            raise StoreRefusal(11, "The store is not filled yet.")
        if not self._has_majority(without):
            raise NoQuorum("Too few votes are present to write.")
        seen = self._seen() | {self.name}
        for host in self.network.hosts:
            if host.name in seen and host.disk.store.uuid == self.disk.store.uuid and not host.disk.store.blank:
                host.disk.store.files.update(files)
                host.disk.store.voters -= without
                listed = CONFIGURATION in files and conf.parse(files[CONFIGURATION]).node(host.name) is not None
                if listed and host.disk.conf is not None:
                    host.disk.conf = files[CONFIGURATION]
