"""Gives another member the part of the store's history it lacks, or this node's events, in the daemon's pieces.

Carries bytes only: the daemon checks the proof (`cluster/control/proof.py`) and knows what the bytes mean. A refusal
has the API's envelope, which the asking node understands.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from cluster.control.flight_requests import PeerEvents
from cluster.control.requests import PeerHistory, PeerStanding
from cluster.errors import InvalidInput, PeerError, QuireError
from cluster.secret import Secret
from datacenter import gateway
from datacenter.api import envelope

NODE_HEADER = "Quire-Node"
PROOF_HEADER = "Quire-Proof"
NODE_ID = re.compile(r"[1-9][0-9]{0,9}")
PROOF_LENGTH_MAX = 512
BODY_BYTES_MAX = 256 * 1024
CHUNK_TIMEOUT_S = 30.0


Asked = PeerHistory | PeerEvents
Question = TypeVar("Question", bound=PeerHistory | PeerEvents | PeerStanding)


@csrf_exempt  # no browser asks this, and no ticket is looked at
async def history(request: HttpRequest) -> HttpResponseBase:
    return await _answer(request, PeerHistory)


@csrf_exempt  # as above
async def events(request: HttpRequest) -> HttpResponseBase:
    return await _answer(request, PeerEvents)


async def _answer(request: HttpRequest, kind: type[Asked]) -> HttpResponseBase:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    try:
        asked = _asked(request, kind)
        # The first piece is fetched before the answer begins, so that a refusal still is one.
        first = await _piece(asked)
    except QuireError as error:
        return envelope.failure("json", error)
    return StreamingHttpResponse(
        _pieces(asked, first), content_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


@csrf_exempt  # as `history`
async def standing(request: HttpRequest) -> HttpResponseBase:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    try:
        said = await gateway.call(_asked(request, PeerStanding))
    except QuireError as error:
        return envelope.failure("json", error)
    return envelope.success("json", said, None, True)


def _asked(request: HttpRequest, kind: type[Question]) -> Question:
    node, proof, body = request.headers.get(NODE_HEADER, ""), request.headers.get(PROOF_HEADER, ""), request.body
    if not NODE_ID.fullmatch(node) or not proof or len(proof) > PROOF_LENGTH_MAX or len(body) > BODY_BYTES_MAX:
        raise InvalidInput("A node that asks for this says who it is, and proves it.")
    return kind(node_id=int(node), proof=Secret(proof), body=body)


async def _piece(asked: Asked) -> dict[str, Any]:
    return await gateway.call(asked, timeout_s=CHUNK_TIMEOUT_S)


async def _pieces(asked: Asked, piece: dict[str, Any]) -> AsyncIterator[bytes]:
    yield piece["chunk"]
    while piece["more"] is not None:
        if piece["more"] <= asked.offset:
            raise PeerError("the daemon's pieces of history do not go forward")
        asked = type(asked)(asked.node_id, asked.proof, asked.body, piece["more"])
        piece = await _piece(asked)
        yield piece["chunk"]
