"""The node as workflows see it: the real `Host` of `cluster/workflow/host.py`, over this daemon's parts.

Each method does one thing and decides nothing; the order is the workflow's. Where a method changes the life of the
store, `life.py` does it.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster.core.machine import CONFIGURATION
from cluster.core.operations import AnyOperation, Expect, Write, digest_of
from cluster.corosync import conf as corosync_conf
from cluster.engine.base import EngineStatus
from cluster.errors import Conflict, InvalidInput, StoreRefusal
from cluster.model import StoreState
from cluster.node import first_start
from cluster.node.access.tickets import FormerKeys, TicketKeys
from cluster.node.answering import answering
from cluster.node.aside import LocalFiles
from cluster.node.board import Board
from cluster.node.connection import GROUPS
from cluster.node.homecoming import Homecoming
from cluster.node.interfaces import is_literal, local_addresses
from cluster.node.life import Life
from cluster.node.operations import cleans, writes
from cluster.node.options import Options
from cluster.node.state import store_state
from cluster.node.underlay import Underlay
from cluster.node.until import until
from cluster.workflow import tombstone
from cluster.workflow.cleaning import NOTHING, Cleaning
from cluster.workflow.host import StoredFile

KEY_BYTES = 256
BACKUPS_MAX = 10
RESOLVE_TIMEOUT_S = 5.0
SPREAD_TIMEOUT_S = 1.0
VOTE_GONE_TIMEOUT_S = 10.0


class NodeHost:
    """See `cluster/workflow/host.py` for what each method promises."""

    def __init__(
        self,
        options: Options,
        life: Life,
        board: Board,
        underlay: Underlay,
        former: FormerKeys,
        ticket_keys: Callable[[], TicketKeys],
        renew_certificate: Callable[[], str],
        cluster_log: Callable[[str], None],
        homecoming: Callable[[], Homecoming],
    ) -> None:
        self.name, self.engine_name, self.address = options.name, options.engine, options.address
        self._options, self._life, self._board, self._underlay = options, life, board, underlay
        self._former, self._ticket_keys = former, ticket_keys
        self._renew_certificate, self._cluster_log = renew_certificate, cluster_log
        self._homecoming = homecoming
        self._files = LocalFiles(options.configuration_dir, options.state_dir / "aside")

    # --- what is ----------------------------------------------------------------------------------------------------

    async def local_addresses(self) -> Mapping[str, str]:
        if self.engine_name == "loopback":
            return {self.address: "lo"}
        return local_addresses()

    async def resolve(self, host_name: str) -> tuple[str, ...]:
        if is_literal(host_name):
            return (host_name,)
        if host_name == self.name:
            return (self.address,)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await loop.getaddrinfo(host_name, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(address[4][0]) for address in found))

    async def configured_cluster(self) -> str:
        text = self._life.tree.read(CONFIGURATION)
        return corosync_conf.parse(text).cluster_name if text is not None else ""

    async def engine_status(self) -> EngineStatus:
        if self._life.clustered:
            return await self._life.connection.engine.status()
        return EngineStatus(running=await self._underlay.is_running())

    async def store_state(self) -> StoreState:
        return store_state(self._life.replica, self._life.document(), self._board)

    async def told_removed(self) -> bool:
        return self._homecoming().told is not None

    async def online_nodes(self) -> frozenset[str]:
        return frozenset({self.name, *(one.name for one in self._life.nodes() if one.node_id in self._board.members)})

    async def answering_nodes(self) -> Mapping[str, tuple[str, ...]]:
        online = await self.online_nodes()
        absent = [node for node in self._life.nodes() if node.name not in online]
        return await answering(absent, self._board, self._options)

    # --- the files corosync reads -----------------------------------------------------------------------------------

    async def read_local_configuration(self) -> bytes | None:
        return _read(self._options.configuration)

    async def read_local_key(self) -> bytes | None:
        return _read(self._options.authkey)

    async def generate_key(self) -> bytes:
        return secrets.token_bytes(KEY_BYTES)

    async def check_configuration(self, conf: bytes) -> None:
        refusal = await self._underlay.check(conf)
        if refusal:
            raise InvalidInput(f"corosync would not take this configuration: {refusal}")

    async def install_configuration(self, conf: bytes, key: bytes) -> None:
        self._files.install(conf, key)

    async def remove_configuration(self) -> None:
        self._files.remove()

    async def restore_configuration(self) -> None:
        self._files.restore()

    # --- the engine -------------------------------------------------------------------------------------------------

    async def start_engine(self) -> None:
        await self._life.connection.connect()

    async def stop_engine(self) -> None:
        if self._life.is_open and self._life.clustered:
            await self._life.connection.disconnect(stop_service=True)
        else:
            await self._underlay.stop()

    # --- the store --------------------------------------------------------------------------------------------------

    async def store_read(self, path: str) -> StoredFile | None:
        data = self._life.tree.read(path)
        return StoredFile(data, digest_of(data)) if data is not None else None

    async def store_paths(self) -> tuple[str, ...]:
        tree = self._life.tree
        return tuple(sorted(tree.path_of(entry.inode) for entry in tree.walk() if not entry.is_dir))

    async def store_write_all(self, files: Mapping[str, bytes]) -> None:
        await self._life.driver.propose(writes(files), user="root@pam", door="workflow")

    async def store_is_pristine(self) -> bool:
        return first_start.is_pristine(await self.store_paths(), self.name)

    async def cluster_uuid(self) -> str:
        return self._life.replica.uuid

    async def backup_store(self) -> str:
        directory = self._options.backup_dir
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        name = f"store-{time.time_ns() // 1_000_000}.db"
        await asyncio.to_thread(self._life.disk.backup_to, directory / name)
        for old in sorted(directory.glob("store-*.db"))[:-BACKUPS_MAX]:
            old.unlink()
        return name

    async def found_cluster(self, uuid: str, conf: bytes) -> None:
        if self._life.replica.uuid == uuid:
            return
        mine = corosync_conf.parse(conf).node(self.name)
        if mine is None:
            raise InvalidInput(f"The configuration does not name this node ({self.name}).")
        await self.store_write_all({CONFIGURATION: conf})
        await self._life.found(uuid, mine.node_id, mine.votes)

    async def adopt_cluster(self, uuid: str) -> None:
        if self._life.replica.uuid == uuid and self._life.replica.blank:
            return
        mine = corosync_conf.parse(_read(self._options.configuration) or b"").node(self.name)
        if mine is None:
            raise InvalidInput(f"The configuration does not name this node ({self.name}).")
        self._homecoming().forget()
        self._former.keep(self._ticket_keys())
        await self._life.adopt(uuid, mine.node_id)

    async def separate_store(self, confirmed: bool) -> None:
        if not self._life.is_open:
            self._life.open()
        if not self._life.clustered:
            return
        own = f"nodes/{self.name}"
        await self._life.separate(lambda path: first_start.is_the_clusters(path, own, others=confirmed))
        self._former.drop()
        tree = self._life.tree
        files = first_start.shared_files(tree)
        files.update(first_start.node_files(tree, self.name, self.address, time.time(), renew=True, pending=files))
        await self.store_clean(tombstone.own_again(await self.store_paths(), self.name))
        await self.store_write_all(files)
        self._renew_certificate()

    async def restore_store(self, backup: str, *, keep: bool = False) -> None:
        path = self._options.backup_dir / backup
        if not path.exists():
            return
        await self._life.restore(path)
        self._former.drop()
        if not keep:
            path.unlink()
        elif self._life.tree.find(first_start.certificate_paths(self.name)[0]) is not None:  # a young store has none
            self._renew_certificate()

    # --- a member's part --------------------------------------------------------------------------------------------

    async def write_configuration(self, conf: bytes, expected_digest: str, withdrawn: str = "") -> None:
        """`withdrawn` needs no exception here: a node that never completed its join has no vote in the store yet."""
        await self._commit((Expect(CONFIGURATION, expected_digest), Write(CONFIGURATION, conf)))
        await self.activate_configuration()

    async def _commit(self, operations: Sequence[AnyOperation]) -> None:
        try:
            await self._life.driver.propose(operations, user="root@pam", door="workflow")
        except StoreRefusal as refusal:
            raise Conflict("The configuration was changed by someone else meanwhile; try again.") from refusal

    async def store_clean(self, cleaning: Cleaning) -> None:
        await self._commit(cleans(cleaning, self._life.tree))

    async def commit_removal(
        self, conf: bytes, expected_digest: str, node_id: int, cleaning: Cleaning = NOTHING
    ) -> None:
        changed = (Expect(CONFIGURATION, expected_digest), Write(CONFIGURATION, conf))
        await self._commit([*changed, *cleans(cleaning, self._life.tree)])
        still = "The removal is written, but the removed node's vote still counts in the store."
        await until(lambda: self._vote_is_gone(node_id), VOTE_GONE_TIMEOUT_S, still)
        await self._spread()

    def _vote_is_gone(self, node_id: int) -> bool:
        replica = self._life.replica
        return replica.writable and all(node_id not in one.votes for one in replica.machine.electorates())

    async def end_member(self, node_id: int) -> bool:
        return await self._underlay.end_member(node_id)

    async def leave_groups(self) -> None:
        for group in GROUPS:
            await self._life.connection.engine.leave(group)

    async def activate_configuration(self) -> None:
        """Have corosync read the committed configuration, on every member."""
        await self._spread()
        await self._life.connection.engine.reload()

    async def _spread(self) -> None:
        """Wait until every member has the change on disk, a second at most: corosync reads the file on all of them."""
        replica = self._life.replica
        index = replica.machine.log.commit.index
        deadline = time.monotonic() + SPREAD_TIMEOUT_S
        while time.monotonic() < deadline:
            acked = replica.work.acked
            if all(acked.get(node_id, 0) >= index for node_id in replica.members):
                await asyncio.sleep(0.1)  # an acknowledged entry reaches the file when its commit is heard of
                return
            await asyncio.sleep(0.02)

    async def refresh_certificate(self) -> str:
        files = first_start.node_files(self._life.tree, self.name, self.address, time.time(), renew=True)
        await self.store_write_all(files)
        return self._renew_certificate()

    async def cluster_log(self, sentence: str) -> None:
        self._cluster_log(sentence)

    async def settle(self) -> None:
        self._files.forget()
        self._former.open()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
