"""What is said in the frames of the control socket: requests, results, items of streams, errors. No I/O.

A client sends `{id, request}`, with `by` beside it the ticket or token of whom it asks for, or `{id, cancel: true}`;
the daemon answers `{id, result}`, `{id, error}`, or for a stream many `{id, item}` and one `{id, end: true}`. Ids are
the client's, counted from 1; 0 speaks of the connection itself. After a cancel nothing more is said of that id. How
frames are cut is `framing.py`; how errors travel is `failures.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cluster.control import (  # noqa: F401 - so that their requests are known
    access_requests,
    alert_requests,
    check_requests,
    failures,
    flight_requests,
    former_requests,
    import_requests,
    link_requests,
    node_requests,
    plan_requests,
    supposition_requests,
    token_requests,
    witness_requests,
)
from cluster.control.framing import frame
from cluster.control.requests import Request
from cluster.errors import InvalidInput, QuireError
from cluster.secret import Secret, hidden, revealed

CONNECTION = 0
NAME_LENGTH_MAX = 64
# What msgspec raises for bytes that are no message: also for text that is no UTF-8, keys that cannot be keys, depth.
UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
# How msgspec names the place of a fault.
UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")
MISSING_FIELD = re.compile(r"required field `([^`]*)`")
PLACE = re.compile(r" - at .*?`\$\.(\w+)")


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A client's message: a request still undecoded, or, where that is empty, the wish to cancel one."""

    id: int
    request: msgspec.Raw = msgspec.Raw()
    by: Secret = Secret()
    cancel: bool = False


class Told(msgspec.Struct):
    """A daemon's message, of which exactly one of the four is set."""

    id: int
    result: Any = msgspec.UNSET
    error: Any = msgspec.UNSET
    item: Any = msgspec.UNSET
    end: bool = False


def _family(root: type[Request]) -> Iterator[type[Request]]:
    for child in root.__subclasses__():
        yield child
        yield from _family(child)


REQUESTS: dict[str, type[Request]] = {str(each.__struct_config__.tag): each for each in _family(Request)}

_asked = msgspec.msgpack.Decoder(Asked, dec_hook=hidden)
_told = msgspec.msgpack.Decoder(Told)
_plain = msgspec.msgpack.Decoder()
_encode = msgspec.msgpack.Encoder().encode
_encode_request = msgspec.msgpack.Encoder(enc_hook=revealed).encode  # answers hold no secrets that are still hidden


# --- a client's side --------------------------------------------------------------------------------------------------


def request_frame(number: int, request: Request, by: Secret | None = None) -> bytes:
    """Raises `InvalidInput` when the request is larger than a frame may be."""
    said = {"id": number, "request": request, "by": by} if by else {"id": number, "request": request}
    return frame(_encode_request(said))


def plain_request(request: Request) -> dict[str, Any]:
    """A request as plain data with its method, as it travels."""
    plain: dict[str, Any] = msgspec.to_builtins(request, builtin_types=(bytes,), enc_hook=revealed)
    return plain


def cancel_frame(number: int) -> bytes:
    return frame(_encode({"id": number, "cancel": True}))


def read_told(payload: bytes) -> Told:
    try:
        return _told.decode(payload)
    except UNREADABLE:
        raise InvalidInput("The daemon sent a message that cannot be read.") from None


# --- the daemon's side ------------------------------------------------------------------------------------------------


def read_asked(payload: bytes) -> Asked:
    """The envelope only: a fault in the request itself is answered under its id, a fault here ends the connection."""
    try:
        asked = _asked.decode(payload)
    except UNREADABLE:
        raise InvalidInput("The message is not a request: it needs an id, and a request or cancel.") from None
    if asked.id <= CONNECTION or bool(memoryview(asked.request)) is asked.cancel:
        raise InvalidInput("The message is not a request: it needs an id from 1 on, and a request or cancel.")
    return asked


def read_request(raw: msgspec.Raw) -> Request:
    """Raises `InvalidInput` naming the method or the field that is wrong; never repeats a value."""
    try:
        kind = _kind(_plain.decode(raw))
        return msgspec.msgpack.decode(raw, type=kind, dec_hook=hidden)
    except msgspec.ValidationError as error:
        raise _at_field(str(error)) from None
    except UNREADABLE:
        raise InvalidInput("The request cannot be read.") from None


def result_frame(number: int, result: Any) -> bytes:
    return frame(_encode({"id": number, "result": result}))


def item_frame(number: int, item: Any) -> bytes:
    return frame(_encode({"id": number, "item": item}))


def end_frame(number: int) -> bytes:
    return frame(_encode({"id": number, "end": True}))


def error_frame(number: int, error: QuireError) -> bytes:
    return frame(_encode({"id": number, "error": failures.to_wire(error)}))


def _kind(plain: object) -> type[Request]:
    method = plain.get("method") if isinstance(plain, dict) else None
    if not isinstance(method, str):
        reason = "A request names its method."
        raise InvalidInput(reason, fields={"method": reason})
    if method not in REQUESTS:
        reason = f"There is no method {method[:NAME_LENGTH_MAX]!r}."
        raise InvalidInput(reason, fields={"method": reason})
    return REQUESTS[method]


def _at_field(text: str) -> InvalidInput:
    if found := UNKNOWN_FIELD.search(text):
        name, reason = found[1][:NAME_LENGTH_MAX], "There is no such field in this request."
    elif found := MISSING_FIELD.search(text):
        name, reason = found[1], "This field is missing."
    else:
        found = PLACE.search(text)
        name, reason = found[1] if found else "request", text.partition(" - at ")[0].replace("`", "") + "."
    return InvalidInput(f"{name}: {reason}", fields={name: reason})
