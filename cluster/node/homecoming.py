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
from typing import Annotated

import msgspec

from cluster.control import peer
from cluster.control.proof import proof
from cluster.corosync.conf import Document
from cluster.errors import FingerprintMismatch, QuireError, Unavailable
from cluster.node import certificates, first_start
from cluster.node.aside import write_durably
from cluster.node.life import Life
from cluster.node.options import Options
from cluster.workflow import tombstone
from cluster.workflow.journal import replace_durably

FIRST_LOOK_S, LATER_S = 3.0, 5.0
LOOK_EVERY_S = 5.0
CERTIFICATES_MAX = 3

log = logging.getLogger(__name__)


class Told(msgspec.Struct, frozen=True):
    """What a member said: this node was removed from the cluster of this UUID."""

    uuid: str
    cluster: str
    time_s: int
    user: str
    by: str


class Removal(msgspec.Struct, frozen=True):
    time_s: int
    user: Annotated[str, msgspec.Meta(max_length=200)]


class Admission(msgspec.Struct, frozen=True):
    corosync_conf: str
    corosync_authkey: Annotated[str, msgspec.Meta(pattern=r"^[\u0000-\u00ff]*$")]  # its bytes, as latin-1


class Answer(msgspec.Struct, frozen=True):
    """What a member says to the question; neither, when it knows of no removal."""

    removed: Removal | None = None
    admission: Admission | None = None


class Homecoming:
    """`told` while the members say that this node is none of theirs."""

    def __init__(self, options: Options, life: Life, document: Callable[[], Document | None]) -> None:
        self._options, self._life, self._document = options, life, document
        self._path = options.state_dir / "removed.json"
        self._told = self._load()
        self.admitted = False  # let in again, and its own copy of the tree does not know it yet
        self._in_doubt = False  # at the last look
        self._strangers: dict[str, str] = {}  # where a member should answer, and another machine did in the last look

    @property
    def strangers(self) -> str:
        """A sentence about who answered in a member's place with another certificate, while this node is in doubt."""
        if not self._strangers or not self._life.is_open or self._life.replica.writable:
            return ""
        said = ", ".join(f"{name} at {address}" for name, address in sorted(self._strangers.items()))
        return (
            f"Another certificate than the cluster knows is shown by {said}: it has separated from the cluster or was "
            "installed anew, and does not come back by itself. Remove it once there is quorum, or let this node "
            "leave the cluster as well and join there."
        )

    @property
    def told(self) -> Told | None:
        """Nothing while the store is another cluster's, or this node's own."""
        if not self._life.is_open or not self._life.clustered or self._told is None:
            return None
        return self._told if self._told.uuid == self._life.replica.uuid else None

    def forget(self) -> None:
        """The node becomes a member anew: what was said of it before is past, also in the cluster that said it."""
        self._path.unlink(missing_ok=True)
        self._told = None

    async def first_look(self) -> None:
        """Before the engine is started: a member that can be reached is asked."""
        if self._life.clustered and not self._life.replica.blank:
            await self._look(FIRST_LOOK_S)

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look_again()

    async def look_again(self) -> None:
        """While this node cannot write somebody may know why. Not at the first look: after every change of who is there
        nobody can write for a moment, and thirty nodes would ask thirty."""
        life = self._life
        self.admitted = self.admitted and self._is_out()
        member = life.is_open and life.clustered and not life.replica.blank
        in_doubt, self._in_doubt = self._in_doubt, member and not life.replica.writable
        if not self._in_doubt:
            self._strangers = {}
        if (member and self.told is not None) or (in_doubt and self._in_doubt):
            await self._look(LATER_S)

    async def _look(self, deadline_s: float) -> None:
        """What fails is told and looked for again: an answer that makes no sense, a disk that cannot keep it."""
        try:
            await self._ask_members(deadline_s)
        except (QuireError, OSError) as error:
            log.warning("Whether this node is still a member is not known: %s", error)

    async def _ask_members(self, deadline_s: float) -> None:
        own = self._own_certificates()
        strangers: dict[str, str] = {}
        asked = [asyncio.create_task(self._ask(*one, own, deadline_s, strangers)) for one in self._members()]
        try:
            for answer in asyncio.as_completed(asked):
                said = await answer
                if said is not None:
                    strangers.clear()  # there is a member to be asked; a copy of old may know other certificates
                    await self._heed(*said)
                    return
        finally:
            self._strangers = strangers
            for task in asked:
                task.cancel()

    def _members(self) -> list[tuple[str, str, str]]:
        """(name, address, fingerprint) of every other node, as this one knew them."""
        document, found = self._document(), []
        for node in document.nodes() if document is not None else ():
            shown = self._life.tree.read(first_start.certificate_paths(node.name)[0])
            if node.name == self._options.name or shown is None:
                continue
            try:
                addresses, known = certificates.addresses(shown), certificates.fingerprint(shown)
            except ValueError:
                log.info("The certificate of %s in this node's store is none; it is not asked.", node.name)
                continue
            # Where its pages are, which need not be one of its links.
            at = dict.fromkeys([*addresses, *(link.address for link in node.links)])
            found += [(node.name, address, known) for address in at]
        return found

    async def _ask(
        self, name: str, address: str, fingerprint: str, own: list[bytes], deadline_s: float, strangers: dict[str, str]
    ) -> tuple[str, Answer] | None:
        try:
            for certificate in own:
                said = await self._ask_as(certificate, address, fingerprint, deadline_s)
                if said != Answer():
                    return name, said
            return None
        except FingerprintMismatch:
            strangers[name] = address
            return None
        except (QuireError, OSError, TimeoutError, ValueError) as error:  # the last: what is no certificate, no answer
            log.debug("%s did not say whether this node is a member: %s", name, error)
            return None

    async def _ask_as(self, own: bytes, address: str, fingerprint: str, deadline_s: float) -> Answer:
        number = self._life.replica.node_id
        key = self._options.authkey.read_bytes() if self._options.authkey.exists() else b""
        body = msgspec.json.encode({"node": self._options.name, "fingerprint": certificates.fingerprint(own)})
        shown = proof(key, number, time.time(), body)
        said = await peer.standing(address, self._options.port, fingerprint, number, shown, body, deadline_s)
        return msgspec.convert(said, Answer)

    def _own_certificates(self) -> list[bytes]:
        """What the members may know this node by: one it got right before it was killed, that in its copy of the tree,
        and where that says it was taken out, the one in the archive."""
        path, life = first_start.certificate_paths(self._options.name)[0], self._life
        kept = (life.tree.read(path), life.tree.read(tombstone.archived(path, self._options.name)))
        found = [*life.replica.machine.not_yet_committed(path), *(one for one in kept if one is not None)]
        return found[:CERTIFICATES_MAX]

    async def _heed(self, by: str, said: Answer) -> None:
        document = self._document()
        if said.removed is not None:
            name = document.cluster_name if document is not None else ""
            told = Told(self._life.replica.uuid, name, said.removed.time_s, said.removed.user, by)
            self._keep(told)
        elif said.admission is not None and not self.admitted and (self.told is not None or self._is_out()):
            await self._come_in(said.admission)

    def _is_out(self) -> bool:
        """Does this node's own copy of the tree say that it was taken out? It was a member when that was decided."""
        document = self._document() if self._life.is_open else None
        return document is not None and document.node(self._options.name) is None

    def _keep(self, told: Told) -> None:
        if self.told is None:
            log.warning("%s says that this node was removed from the cluster.", told.by)
        self._told = told
        replace_durably(self._path, msgspec.json.encode(told))

    async def _come_in(self, admission: Admission) -> None:
        """The removal was taken back: the key and the configuration of now, then the engine."""
        write_durably(self._options.authkey, admission.corosync_authkey.encode("latin-1"), 0o400)
        write_durably(self._options.configuration, admission.corosync_conf.encode(), 0o644)
        self.forget()
        self.admitted = self._is_out()
        log.warning("The removal of this node was taken back: it is a member again.")
        self._life.connection.keep_trying()

    def _load(self) -> Told | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Told)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(f"The record of this node's removal, {self._path}, cannot be read.") from error
