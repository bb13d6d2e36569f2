"""Requests of other nodes, which prove that they hold the cluster's key: the history one lacks, this node's events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.flight_requests import PeerEvents
from cluster.control.proof import ReplayCache, check_proof
from cluster.control.requests import PeerHistory, Request
from cluster.errors import NotInCluster, Unauthenticated
from cluster.node import catchup, fellows

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

CHUNK_BYTES = 2 << 20
ANSWERS_MAX = 4  # answers being carried in chunks at a time; the oldest gives way


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    seen = ReplayCache()
    answers: dict[str, bytes] = {}

    def check(request: PeerHistory | PeerEvents) -> None:
        key = node.keys.corosync()
        if not key:
            raise NotInCluster("This node is not in a cluster.")
        check_proof(key, request.proof.reveal(), request.node_id, request.body, time.time(), seen)

    async def events(request: PeerEvents) -> Any:
        check(request)
        recorder = node.flight.recorder
        return {"chunk": fellows.answer(request.body, recorder.since, recorder.newest), "more": None}

    async def history(request: PeerHistory) -> Any:
        """The first chunk proves who asks and makes the answer; the following ones name it by the same proof."""
        if request.offset == 0:
            check(request)
            while len(answers) >= ANSWERS_MAX:
                del answers[next(iter(answers))]
            life = node.life
            answers[request.proof.reveal()] = await catchup.serve(
                request.body, life.disk, life.replica.machine, lambda reason: life.fail(reason, damaged=True)
            )
        answer = answers.get(request.proof.reveal())
        if answer is None:
            raise Unauthenticated("The asking node did not prove that it is a member of this cluster.")
        end = request.offset + CHUNK_BYTES
        more = end if end < len(answer) else None
        if more is None:
            del answers[request.proof.reveal()]
        return {"chunk": answer[request.offset : end], "more": more}

    return {PeerHistory: history, PeerEvents: events}
