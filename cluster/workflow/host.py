"""Everything a workflow may ask of the node it runs on, as one narrow interface.

The daemon implements it (`cluster/node/`); `fake_host.py` beside this file is the one tests use, with failures at
every method. Nothing here knows of steps or of other nodes: who asks, and in which order, is `create.py`, `join.py`,
`add_node.py`; another node is reached through `cluster/control/peer.py`.

Rules for whoever implements it:

1. Every method is bounded in time by itself and raises only what its docstring names (all from `cluster/errors.py`);
   `Unavailable` may come from any of them when a disk or the engine does not answer.
2. A method either happened or raised. When it raised, asking again is safe.
3. The undoing methods (`stop_engine`, `restore_configuration`, `restore_store`, `settle`) are idempotent: called on a
   node where there is nothing to take back, they do nothing. After `kill -9` they are called at the daemon's start,
   before the engine is started and before a door is open; they must work there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cluster.engine.base import EngineStatus
from cluster.model import StoreState
from cluster.workflow.cleaning import NOTHING, Cleaning


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the tree: its bytes and their SHA-1 in hex, which a conditional write hands back."""

    data: bytes
    digest: str


class Host(Protocol):
    """One node, as workflows see it."""

    name: str  # the node's name
    engine_name: str  # "corosync", "loopback" or "simulated"; only corosync forbids loopback addresses on links
    address: str  # the address the node's name resolves to; the default link uses it

    # --- what is ---------------------------------------------------------------------------------------------------

    async def local_addresses(self) -> Mapping[str, str]:
        """Every literal address of this node → the interface that carries it. On loopback: this node's own only."""
        ...

    async def resolve(self, host_name: str) -> tuple[str, ...]:
        """The addresses a host name resolves to, at most a few seconds; empty when it does not. A literal is itself."""
        ...

    async def configured_cluster(self) -> str:
        """The name of the cluster this node is configured for, from the tree; "" on a stand-alone node."""
        ...

    async def engine_status(self) -> EngineStatus:
        """What the engine knows now. `running` is also True for a corosync somebody else started."""
        ...

    async def store_state(self) -> StoreState:
        """Writable or not, with the reason. Writable means: synchronised, in a settled view that holds a majority."""
        ...

    async def told_removed(self) -> bool:
        """Has a member said that this node was taken out, which its own copy of the tree does not know?"""
        ...

    async def online_nodes(self) -> frozenset[str]:
        """Names of the configured nodes that are members now, this one included."""
        ...

    async def answering_nodes(self) -> Mapping[str, tuple[str, ...]]:
        """Configured nodes that are no members now and yet answer, with the addresses where; a few seconds at most."""
        ...

    # --- the files corosync reads -----------------------------------------------------------------------------------

    async def read_local_configuration(self) -> bytes | None:
        """The content of `<corosync-dir>/corosync.conf`; None when there is none."""
        ...

    async def read_local_key(self) -> bytes | None:
        """The content of `<corosync-dir>/authkey`; None when there is none."""
        ...

    async def generate_key(self) -> bytes:
        """A new corosync key: 256 random bytes. Nothing is written."""
        ...

    async def check_configuration(self, conf: bytes) -> None:
        """Ask the engine whether it would take this file (`corosync -t`). Raises InvalidInput with its words."""
        ...

    async def install_configuration(self, conf: bytes, key: bytes) -> None:
        """Write corosync.conf (0644) and authkey (0400) atomically, fsynced. What was there (or that nothing was) is
        kept aside durably *before*, once: a second call does not replace what is kept. Raises Unavailable."""
        ...

    async def remove_configuration(self) -> None:
        """Remove both files; what was there is kept aside as `install_configuration` keeps it. Raises Unavailable."""
        ...

    async def restore_configuration(self) -> None:
        """Put back what `install_configuration` or `remove_configuration` kept aside: the former files with their bytes
        and modes, or none at all. Nothing kept: nothing done."""
        ...

    # --- the engine ---------------------------------------------------------------------------------------------------

    async def start_engine(self) -> None:
        """Start corosync where it is the engine (30 s at most), connect, join the groups. Does not wait for quorum.
        Raises Unavailable with the reason corosync gave."""
        ...

    async def stop_engine(self) -> None:
        """Leave the groups, disconnect, and stop corosync. Never raises but Unavailable (it does not stop)."""
        ...

    # --- the store ----------------------------------------------------------------------------------------------------

    async def store_read(self, path: str) -> StoredFile | None:
        """A committed file of the tree as this node has it; None when there is none."""
        ...

    async def store_paths(self) -> tuple[str, ...]:
        """The paths of all files of the tree, sorted."""
        ...

    async def store_clean(self, cleaning: Cleaning) -> None:
        """Do all of it or nothing. Raises Conflict (something changed meanwhile), NoQuorum, OutcomeUnknown."""
        ...

    async def store_is_pristine(self) -> bool:
        """True when the tree holds only what every new node makes for itself (keys, certificates, empty folders)."""
        ...

    async def cluster_uuid(self) -> str:
        """The UUID of the lineage this node's store belongs to."""
        ...

    async def backup_store(self) -> str:
        """Copy the whole store, fsynced, into `<state>/backup/` (0700); returns the copy's name. Ten are kept."""
        ...

    async def found_cluster(self, uuid: str, conf: bytes) -> None:
        """The store of a stand-alone node becomes a cluster's: its content stays, its lineage is `uuid`, and the tree
        holds `corosync.conf`. Durable when it returns; needs no engine. Again with the same uuid: nothing happens."""
        ...

    async def adopt_cluster(self, uuid: str) -> None:
        """The store becomes blank and accepts only the lineage `uuid`; it fills once the engine runs. Durable when it
        returns. The former signing key stays known for `renew-after-join` (FormerKeys of `cluster/node/access`)."""
        ...

    async def separate_store(self, confirmed: bool) -> None:
        """The store becomes a stand-alone node's own, of a new lineage: the content stays, without corosync.conf and
        without the cluster's keys, in whose place come new ones. `confirmed` (the cluster goes on without this node):
        the other nodes' folders go too. The engine has been stopped before. A stand-alone store: nothing happens."""
        ...

    async def restore_store(self, backup: str, *, keep: bool = False) -> None:
        """The store becomes what `backup_store` copied, lineage included, and the copy goes away last, unless it is to
        `keep`: then the certificate in it is served, too. A copy that is not there has been put back already: nothing
        done. The engine has been stopped before."""
        ...

    # --- a member's part ----------------------------------------------------------------------------------------------

    async def write_configuration(self, conf: bytes, expected_digest: str, withdrawn: str = "") -> None:
        """Commit corosync.conf to the tree, wait until it lies on this host's disk, and have every member's corosync
        read it again. Raises NoQuorum, Conflict (the digest changed), StoreRefusal, OutcomeUnknown.

        `withdrawn` names a node that this write takes out again before its join was complete. Adding it raised the
        majority by its vote, so the remaining nodes may be short of exactly that vote (always so when a one-node
        cluster took its second): for this one write the majority counts without the withdrawn node. That is safe
        because a majority with one unit-vote node more and a majority without it always share a member."""
        ...

    async def commit_removal(
        self, conf: bytes, expected_digest: str, node_id: int, cleaning: Cleaning = NOTHING
    ) -> None:
        """Commit a corosync.conf that no longer names `node_id`, `cleaning` with it, and wait until its vote counts no
        more in the store and every member that is here knows. The engine does not know of it yet:
        `activate_configuration`. Raises what `write_configuration` raises, and Unavailable when it is committed
        and the vote counts still."""
        ...

    async def activate_configuration(self) -> None:
        """Have every member's engine read corosync.conf again. Raises Unavailable."""
        ...

    async def end_member(self, node_id: int) -> bool:
        """Ask the engine to end that member, where it can; whether there was such a member. Raises Unavailable."""
        ...

    async def leave_groups(self) -> None:
        """This node takes no part in the store and the status board any more; the engine runs on. Never raises."""
        ...

    async def refresh_certificate(self) -> str:
        """Issue this node's certificate from the cluster's CA in the tree, store it, and serve it after a short grace
        delay (open pages hear of it first). Returns its fingerprint. Raises NoQuorum, Unavailable."""
        ...

    async def cluster_log(self, sentence: str) -> None:
        """One line for the cluster's log. Never raises."""
        ...

    async def settle(self) -> None:
        """The workflow is complete: forget what was kept aside for taking it back; a former signing key opens
        `renew-after-join` for ten minutes from now."""
        ...
