"""What goes over the wire: the envelope around data and errors, status codes, reason phrases, headers.

Clients show people the reason phrase, so it carries the first line of every error. ASGI has no place for it: it travels
to the web server in a header of its own, which the server takes out (`datacenter/web/channel.py`).
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils.http import http_date

from cluster.errors import (
    Busy,
    Changed,
    FingerprintMismatch,
    Forbidden,
    InvalidInput,
    NotFound,
    NotInCluster,
    OutcomeUnknown,
    PeerError,
    PeerRefused,
    QuireError,
    Unauthenticated,
    Unavailable,
)

CONTENT_TYPE = "application/json;charset=UTF-8"
SERVER = "pve-api-daemon/3.0"
REASON_HEADER = "X-Quire-Reason"
REASON_LENGTH_MAX = 500
FORMATS = ("json", "extjs")

# Clients tell a stand-alone node from a failure by these words.
NOT_IN_CLUSTER = "node is not in a cluster"

# The first class an error is an instance of. What is not listed is a plain failure, 500: clients know no 409, but those
# of the paths that are our own.
STATUS: tuple[tuple[type[QuireError], int], ...] = (
    (InvalidInput, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Changed, 409),
    (NotInCluster, 424),
    (PeerRefused, 500),
    (FingerprintMismatch, 596),
    (PeerError, 595),
    (Busy, 503),
    (Unavailable, 503),
    (OutcomeUnknown, 504),
)


def status_of(error: QuireError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def success(form: str, data: Any, total: int | None = None, secret: bool = False) -> HttpResponse:
    body: dict[str, Any] = {"data": data} if form == "json" else {"success": 1, "data": data}
    if total is not None:
        body["total"] = total
    return _answer(body, 200, "OK", secret)


def failure(form: str, error: QuireError) -> HttpResponse:
    message = error.message
    if isinstance(error, NotInCluster) and NOT_IN_CLUSTER not in message.lower():
        message = f"{NOT_IN_CLUSTER}: {message}"
    return refusal(form, status_of(error), message, error.fields)


def refusal(form: str, status: int, message: str, fields: dict[str, str] | None = None) -> HttpResponse:
    body: dict[str, Any] = {"data": None, "message": message.rstrip("\n") + "\n"}
    if fields:
        body["errors"] = fields
    if form == "extjs":
        return _answer({"success": 0, "status": status, **body}, 200, "OK")
    return _answer(body, status, message)


def carried(answer: dict[str, Any], secret: bool = False) -> HttpResponse:
    """What another node answered: its status, reason and body, if it is an API's; our own headers."""
    if answer["status"] == 401 and not answer["body"]:
        return not_signed_in(answer["reason"])
    if answer["content_type"] != CONTENT_TYPE.partition(";")[0]:
        return refusal("json", 596, f"the other node answered {answer['status']} with what is not an API's answer")
    response = HttpResponse(answer["body"], status=answer["status"], content_type=CONTENT_TYPE)
    return _with_headers(response, answer["reason"], secret)


def not_signed_in(reason: str) -> HttpResponse:
    """The same in every format: no body. Clients ask for a new ticket."""
    response = HttpResponse(status=401)
    del response.headers["Content-Type"]
    return _with_headers(response, reason)


def _answer(body: dict[str, Any], status: int, reason: str, secret: bool = False) -> HttpResponse:
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type=CONTENT_TYPE)
    return _with_headers(response, reason, secret)


def _with_headers(response: HttpResponse, reason: str, secret: bool = False) -> HttpResponse:
    response.reason_phrase = phrase(reason)
    response.headers[REASON_HEADER] = response.reason_phrase
    response.headers["Server"] = SERVER
    # no-transform: the web server must not compress it, because an answer's size would tell about the secret in it.
    response.headers["Cache-Control"] = "no-store, max-age=0, no-transform" if secret else "no-store, max-age=0"
    response.headers["Pragma"] = "no-cache"
    response.headers["Expires"] = http_date(time.time())
    return response


def phrase(text: str) -> str:
    """The first line of a message, in characters a status line may have."""
    line = text.strip().partition("\n")[0].strip()
    return "".join(char if " " <= char <= "~" else "?" for char in line)[:REASON_LENGTH_MAX] or "Error"
