"""Says to a machine that comes up whether it still is a member: only to who shows the certificate the node had.

What is told is no secret of the cluster's. A machine whose removal was taken back is given the key of now, when it
proves to hold the one it knew; nobody else learns more than that it is not known.
"""

from __future__ import annotations

import contextlib
import hmac
import time
from typing import TYPE_CHECKING, Any

import msgspec

from cluster.control.conversation import Handler
from cluster.control.proof import ReplayCache, check_proof
from cluster.control.requests import PeerStanding, Request
from cluster.core.tree import Tree
from cluster.corosync import names
from cluster.errors import InvalidInput, Unauthenticated
from cluster.node import certificates, first_start
from cluster.workflow import tombstone

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


class Asked(msgspec.Struct):
    node: str
    fingerprint: str


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    seen = ReplayCache()

    async def standing(request: PeerStanding) -> Any:
        asked = _asked(request.body)
        document, tree = node.document(), node.life.tree
        stored = tree.read(tombstone.stone_path(asked.node))
        unknown = {"removed": None, "admission": None}
        if document is None or stored is None or not node.life.replica.writable:
            return unknown
        stone = tombstone.read(stored)
        if not hmac.compare_digest(stone.fingerprint, asked.fingerprint) or stone.node_id != request.node_id:
            return unknown
        if document.node(asked.node) is None:
            return unknown | {"removed": {"time_s": stone.time_s, "user": stone.user}}
        shown = tree.read(first_start.certificate_paths(asked.node)[0])
        if not stone.reinstated or shown is None or certificates.fingerprint(shown) != asked.fingerprint:
            return unknown
        _check_knew_a_key(tree, node.keys.corosync(), request, seen)
        conf = tree.read(tombstone.CONFIGURATION) or b""
        key = tree.read(tombstone.KEY) or node.keys.corosync()
        return unknown | {"admission": {"corosync_conf": conf.decode(), "corosync_authkey": key.decode("latin-1")}}

    return {PeerStanding: standing}


def _check_knew_a_key(tree: Tree, present: bytes, request: PeerStanding, seen: ReplayCache) -> None:
    """That of now or one before: it is not changed yet when a removal is taken back at once, and was changed more than
    once for a machine that was off through several. Raises Unauthenticated, Busy."""
    proved, now_s = request.proof.reveal(), time.time()
    former = tree.read(tombstone.KEY_FORMER)
    for key in (*([former] if former is not None else []), *tombstone.older_keys(tree.read(tombstone.KEY_OLDER))):
        with contextlib.suppress(Unauthenticated):
            check_proof(key, proved, request.node_id, request.body, now_s, seen)
            return
    check_proof(present, proved, request.node_id, request.body, now_s, seen)


def _asked(body: bytes) -> Asked:
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.DecodeError as error:
        raise InvalidInput("The question of a node whether it is a member is malformed.") from error
    names.node_name(asked.node)
    return asked
