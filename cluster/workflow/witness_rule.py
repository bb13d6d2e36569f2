"""What the cluster keeps of its witness, and when it has a vote: in an even number of nodes it has, in an odd one not.

The record lies in the tree with the certificate every node needs, so a node that comes later has it too, and the
witness can rest while the number of nodes is odd without being set up again. One that was set up for an odd number, on
demand, uses lms and stays. A device that somebody wrote into corosync.conf by hand has no record and is left alone.
Pure. What nodes do about it is `cluster/node/witness.py`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress

import msgspec

from cluster.corosync import conf
from cluster.corosync.conf.device_edits import device_of, with_device, without_device
from cluster.errors import Conflict, InvalidInput, QuireError
from cluster.workflow.host import Host

PATH = "priv/witness.json"
PREFIX = "quire-witness:"
INVITATION_CHARACTERS_MAX = 2000


class WitnessRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ca` is the certificate of the witness's authority, `bundle` the cluster's certificate with its key (PKCS 12)."""

    id: str
    host: str
    algorithm: str
    cluster: str
    ca: bytes
    bundle: bytes
    user: str
    time_s: float


class WitnessInvitation(msgspec.Struct, frozen=True):
    """What the program on the witness printed: where it listens, the certificate it shows, and its token."""

    address: str
    port: int
    fingerprint: str
    token: str

    def __repr__(self) -> str:
        return f"WitnessInvitation({self.address!r}, {self.port})"


def encode(record: WitnessRecord) -> bytes:
    return msgspec.json.encode(record)


def decode(data: bytes | None) -> WitnessRecord | None:
    """None where there is none, or what there is cannot be read."""
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=WitnessRecord)
    except msgspec.DecodeError:
        return None


def read_invitation(text: str) -> WitnessInvitation:
    """Raises InvalidInput for the field `invitation`."""
    given = "".join(text.split())
    try:
        if not given.startswith(PREFIX) or len(given) > INVITATION_CHARACTERS_MAX:
            raise ValueError
        body = given.removeprefix(PREFIX)
        told = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(told, type=WitnessInvitation)
        ipaddress.ip_address(found.address)
        if not (0 < found.port < 65536 and len(found.fingerprint) == 95 and 16 <= len(found.token) <= 200):
            raise ValueError
    except (ValueError, binascii.Error, msgspec.DecodeError):
        sentence = f"This is not the whole line that script/witness printed. It begins with {PREFIX}"
        raise InvalidInput(sentence, fields={"invitation": sentence}) from None
    return found


def algorithm_for(nodes: int, force: bool) -> str:
    """Raises Conflict where a witness does more harm than good."""
    if nodes < 2:
        raise Conflict("A witness needs at least two nodes: alone, a node would depend on it without any gain.")
    if nodes % 2 == 0:
        return "ffsplit"
    if not force:
        raise Conflict(
            f"With {nodes} nodes, an odd number, a witness gains nothing: halves cannot be alike. With force it gets "
            f"{nodes - 1} votes, and becomes what everything depends on."
        )
    return "lms"


def fitted(document: conf.Document, record: WitnessRecord | None) -> conf.Document:
    """The document with the witness's vote or without it, as its number of nodes asks for. The version stays."""
    if record is None:
        return document
    count = len(document.nodes())
    if count < 2 or (record.algorithm == "ffsplit" and count % 2):
        return without_device(document) if device_of(document) is not None else document
    return with_device(document, record.host, record.algorithm)


def rests(record: WitnessRecord | None, count: int) -> str:
    """A sentence where the witness has no vote among so many nodes; else empty."""
    if record is None or count < 2 or record.algorithm != "ffsplit" or count % 2 == 0:
        return ""
    return f"The witness rests afterwards: {count} nodes are an odd number, so it has no vote. It comes back by itself."


async def fit(host: Host, document: conf.Document) -> conf.Document:
    """As `fitted`, with the record that lies in the tree."""
    stored = await host.store_read(PATH)
    return fitted(document, decode(stored.data) if stored is not None else None)


def advice(document: conf.Document, record: WitnessRecord | None) -> str:
    """One sentence where a witness would help, or does not; else empty."""
    try:
        count, has = len(document.nodes()), device_of(document) is not None
    except QuireError:
        return ""
    if has and count % 2:
        return f"{count} is an odd number of nodes: the witness gains nothing, and everything depends on it. Remove it."
    if has or count % 2 or count == 0:
        return ""
    if count == 2:
        return "Two is an even number of nodes: a witness keeps one of them quorate when the other fails."
    return f"{count} is an even number of nodes: a witness keeps one half quorate when they split down the middle."
