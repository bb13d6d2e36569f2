"""Gives corosync a new key once a node has gone that knows the old one: through the tree, then one reload for all.

A removal leaves a note that a new key is due. It is made only while every configured node is here, and nobody else:
each must have it on its disk before the engines change over, because a node without it would be shut out. So it is put
there with its commit (`own_files.py`), and any reload from then on, also one for another reason, changes over all of
them. The lowest member sees to it; doing again what is done does no harm. A node that starts in between has the new key
while the others use the former one still: who can not write then tries both. Who may come is `homecoming.py`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster.core.operations import AnyOperation, Expect, Mkdir, Remove, Write, digest_of
from cluster.errors import QuireError
from cluster.node.aside import write_durably
from cluster.node.life import Life
from cluster.workflow.tombstone import (
    CONFIGURATION,
    KEY,
    KEY_ACTIVE,
    KEY_DUE,
    KEY_FORMER,
    KEY_OLDER,
    older_keys,
    stone_path,
    write_older_keys,
)

LOOK_EVERY_S = 0.5
HEARD_S = 1.0  # an acknowledged entry is on disk; its commit, which puts the key in place, is heard of a moment later
# How long a node waits for quorum before it tries the other key, and then keeps it: longer the former one, which most
# use until all change over, so that two who try meet.
PATIENCE_S, FORMER_S, NEW_S = 3.0, 20.0, 10.0
KEY_BYTES = 256
KEY_BYTES_LEAST = 128

log = logging.getLogger(__name__)


class KeyRotation:
    """`watch` for ever; `busy` tells whether a workflow changes the node."""

    def __init__(
        self,
        name: str,
        authkey: Path,
        life: Life,
        busy: Callable[[], bool],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._authkey, self._life, self._busy, self._clock_s = name, authkey, life, busy, clock_s
        self._try_at_s: float | None = None  # when this node, which cannot write, tries the other key
        self._tries_former = False

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self._life.is_open or self._busy():
                continue
            self.install()
            try:
                await self._lead()
                await self._seek()
            except QuireError as error:
                log.info("The corosync key is not changed yet: %s", error.message)

    def install(self) -> None:
        """The tree's key, to where corosync reads it; only on a member, and only over a key that is older."""
        key, document = self._life.tree.read(KEY), self._life.document()
        if key is None or len(key) < KEY_BYTES_LEAST or document is None or document.node(self._name) is None:
            return
        if self._authkey.exists() and self._is_older(self._authkey.read_bytes(), key):
            write_durably(self._authkey, key, 0o400)
            log.info("The corosync key on this disk is the cluster's newest.")

    def _is_older(self, present: bytes, key: bytes) -> bool:
        """A node that is let in again has a newer key on its disk than in its copy of the tree, until it writes."""
        return present != key and (self._life.replica.writable or present == self._life.tree.read(KEY_FORMER))

    async def _lead(self) -> None:
        if not self._leads():
            return
        tree = self._life.tree
        due, key, active = tree.read(KEY_DUE), tree.read(KEY), tree.read(KEY_ACTIVE)
        if due is not None and self._authkey.exists() and self._all_have_it():
            # Who has just joined fetches the store with the key it was given; and nobody may be let in meanwhile with
            # the key of before.
            listed = digest_of(tree.read(CONFIGURATION) or b"")
            await self._propose(
                [Expect(KEY_DUE, digest_of(due)), Expect(CONFIGURATION, listed), Mkdir("priv", parents=True),
                 Write(KEY_OLDER, self._older()), Write(KEY_FORMER, self._authkey.read_bytes()),
                 Write(KEY, secrets.token_bytes(KEY_BYTES)), Remove(KEY_DUE), *self._nobody_is_awaited()]
            )  # fmt: skip
        elif key is not None and active != digest_of(key).encode() and self._all_have_it():
            await asyncio.sleep(HEARD_S)
            if not self._leads():
                return
            await self._life.connection.engine.reload()
            await self._propose([Expect(KEY, digest_of(key)), Write(KEY_ACTIVE, digest_of(key).encode())])
            log.info("Every engine uses the new corosync key.")

    def _nobody_is_awaited(self) -> list[AnyOperation]:
        """Everybody is here: whose removal was taken back is let in no more for showing what they knew before. Else who
        is taken out now, and knew the same, could have the new key in their name."""
        tree, document = self._life.tree, self._life.document()
        paths = [stone_path(node.name) for node in document.nodes()] if document is not None else []
        return [Remove(path) for path in paths if tree.find(path) is not None]

    def _older(self) -> bytes:
        """A machine that was off through several removals of it proves itself with the key it knew then."""
        former, older = self._life.tree.read(KEY_FORMER), older_keys(self._life.tree.read(KEY_OLDER))
        return write_older_keys([former, *older] if former is not None else older)

    async def _seek(self) -> None:
        """Without quorum while the key changes: the others may use the former one still, or the new one already."""
        tree, now_s = self._life.tree, self._clock_s()
        key, former = tree.read(KEY), tree.read(KEY_FORMER)
        changing = key is not None and former is not None and tree.read(KEY_ACTIVE) != digest_of(key).encode()
        present = self._authkey.read_bytes() if self._authkey.exists() else b""
        if not changing or self._life.replica.writable or present not in (key, former):
            self._try_at_s, self._tries_former = None, False
            return
        if self._try_at_s is None:
            self._try_at_s = now_s + PATIENCE_S
        if now_s < self._try_at_s:
            return
        self._tries_former = not self._tries_former
        self._try_at_s = now_s + (FORMER_S if self._tries_former else NEW_S)
        chosen = former if self._tries_former else key
        assert chosen is not None
        write_durably(self._authkey, chosen, 0o400)  # `install` puts the new one back; the engine has read it then
        await self._life.connection.engine.reload()
        log.warning("No quorum while the corosync key changes: this node tries the %s key.",
                    "former" if self._tries_former else "new")  # fmt: skip

    def _leads(self) -> bool:
        """Are all configured nodes here, nobody else, and this the lowest?"""
        replica, document = self._life.replica, self._life.document()
        if document is None or not replica.writable:
            return False
        configured = {node.node_id for node in document.nodes()}
        return set(replica.members) == configured and replica.node_id == min(configured)

    def _all_have_it(self) -> bool:
        """Everything that is committed, on every disk."""
        replica = self._life.replica
        index = replica.machine.log.commit.index
        return all(replica.work.acked.get(node_id, 0) >= index for node_id in replica.members)

    async def _propose(self, operations: Sequence[AnyOperation]) -> None:
        await self._life.driver.propose(tuple(operations), user="root@pam", door="node")
