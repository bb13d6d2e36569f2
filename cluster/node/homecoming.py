"""Asks the members whether this node still is one, where it comes up without them: a machine that was removed while it
was off learns so before it starts its engine, and one whose removal was taken back is let in again.

Whoever answers is known by the certificate it has in this node's own copy of the tree. That this node was removed is
kept on its disk, for as long as its store belongs to that cluster. Who answers is `cluster/node/handlers/standing.py`;
what then holds is `removed.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from cluster.control import peer
from cluster.control.proof import proof
from cluster.corosync.conf import Document
from cluster.errors import PeerError, QuireError, Unavailable
from cluster.node import certificates, first_start
from cluster.node.aside import write_durably
from cluster.node.life import Life
from cluster.node.options import Options
from cluster.workflow.journal import replace_durably

FIRST_LOOK_S, LATER_S = 3.0, 5.0
LOOK_EVERY_S = 5.0

log = logging.getLogger(__name__)


class Told(msgspec.Struct, frozen=True):
    """What a member said: this node was removed from the cluster of this UUID."""

    uuid: str
    cluster: str
    time_s: int
    user: str
    by: str


class Homecoming:
    """`told` while the members say that this node is none of theirs."""

    def __init__(self, options: Options, life: Life, document: Callable[[], Document | None]) -> None:
        self._options, self._life, self._document = options, life, document
        self._path = options.state_dir / "removed.json"
        self._told = self._load()

    @property
    def told(self) -> Told | None:
        if not self._life.is_open:
            return None
        if self._told is not None and (not self._life.clustered or self._told.uuid != self._life.replica.uuid):
            self._forget()  # it has left that cluster; should it join it again, this is long past
        return self._told

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._told = None

    async def first_look(self) -> None:
        """Before the engine is started: a member that can be reached is asked."""
        if self._life.clustered and not self._life.replica.blank:
            await self._look(FIRST_LOOK_S)

    async def watch(self) -> None:
        """For ever: while this node cannot write, somebody may know why."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            life = self._life
            in_doubt = life.is_open and life.clustered and not life.replica.blank
            if in_doubt and (self.told is not None or not life.replica.writable):
                try:
                    await self._look(LATER_S)
                except Exception:  # advice only: a daemon must not end for an answer it cannot use
                    log.exception("Whether this node is still a member could not be asked.")

    async def _look(self, deadline_s: float) -> None:
        asked = [asyncio.create_task(self._ask(*one, deadline_s)) for one in self._members()]
        try:
            for answer in asyncio.as_completed(asked):
                said = await answer
                if said is not None:
                    await self._heed(*said)
                    return
        finally:
            for task in asked:
                task.cancel()

    def _members(self) -> list[tuple[str, str, str]]:
        """(name, address, fingerprint) of every other node, as this one knew them."""
        document, found = self._document(), []
        for node in document.nodes() if document is not None else ():
            shown = self._life.tree.read(first_start.certificate_paths(node.name)[0])
            if node.name != self._options.name and shown is not None:
                # Where its pages are, which need not be one of its links.
                at = dict.fromkeys([*certificates.addresses(shown), *(link.address for link in node.links)])
                found += [(node.name, address, certificates.fingerprint(shown)) for address in at]
        return found

    async def _ask(self, name: str, address: str, fingerprint: str, deadline_s: float) -> tuple[str, Any] | None:
        own = self._life.tree.read(first_start.certificate_paths(self._options.name)[0])
        key = self._options.authkey.read_bytes() if self._options.authkey.exists() else b""
        if own is None:
            return None
        mine, number = certificates.fingerprint(own), self._life.replica.node_id
        body = msgspec.json.encode({"node": self._options.name, "fingerprint": mine})
        shown = proof(key, number, time.time(), body)
        try:
            return name, await peer.standing(address, self._options.port, fingerprint, number, shown, body, deadline_s)
        except (QuireError, OSError, TimeoutError) as error:
            log.debug("%s did not say whether this node is a member: %s", name, error)
            return None

    async def _heed(self, by: str, said: Any) -> None:
        if not isinstance(said, dict):
            return
        removed, admission = said.get("removed"), said.get("admission")
        if isinstance(removed, dict):
            self._keep(self._told_by(by, removed))
        elif self.told is not None and isinstance(admission, dict):
            await self._come_in(admission)

    def _told_by(self, by: str, removed: dict[str, Any]) -> Told:
        document = self._document()
        name = document.cluster_name if document is not None else ""
        return Told(self._life.replica.uuid, name, int(removed["time_s"]), str(removed["user"])[:64], by)

    def _keep(self, told: Told) -> None:
        if self.told is None:
            log.warning("%s says that this node was removed from the cluster.", told.by)
        self._told = told
        replace_durably(self._path, msgspec.json.encode(told))

    async def _come_in(self, admission: dict[str, Any]) -> None:
        """The removal was taken back: the key and the configuration of now, then the engine."""
        try:
            conf, key = str(admission["corosync_conf"]).encode(), str(admission["corosync_authkey"]).encode("latin-1")
        except (KeyError, UnicodeEncodeError):
            raise PeerError("The member let this node in without saying how.") from None
        write_durably(self._options.authkey, key, 0o400)
        write_durably(self._options.configuration, conf, 0o644)
        self._forget()
        log.warning("The removal of this node was taken back: it is a member again.")
        self._life.connection.keep_trying()

    def _load(self) -> Told | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Told)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(f"The record of this node's removal, {self._path}, cannot be read.") from error
