"""What is said on the control socket: every request survives, and a wrong one is refused by the field's name."""

from __future__ import annotations

import contextlib
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.control import protocol
from cluster.control import requests as r
from cluster.control.framing import HEADER
from cluster.control.plan_requests import Plan
from cluster.errors import InvalidInput, QuireError
from cluster.secret import Secret

SECRET = "correct horse battery staple"
JOIN = {"method": "cluster.join", "hostname": "alpha", "fingerprint": "AB", "password": SECRET}


def decoded(plain: Any) -> r.Request:
    return protocol.read_request(msgspec.Raw(msgpack.packb(plain)))


@pytest.mark.parametrize("kind", protocol.REQUESTS.values())
def test_every_request_arrives_as_it_was_sent(kind: type[r.Request]) -> None:
    # fmt: off
    samples: dict[Any, Any] = {
        Secret: Secret("x"), dict[str, Secret]: {"a": Secret("b")},
        str: "x", bytes: b"\x00\xff", int: 7, list[str]: ["x"], dict[str, str]: {"a": "b"}, dict[int, str]: {7: "b"},
        msgspec.structs.fields(Plan)[0].type: r.JoinCluster("alpha", "AB", Secret(SECRET)),
    }
    # fmt: on
    request = kind(**{each.name: samples[each.type] for each in msgspec.structs.fields(kind) if each.required})
    asked = protocol.read_asked(protocol.request_frame(5, request)[HEADER.size :])
    assert asked.id == 5
    assert protocol.read_request(asked.request) == request
    assert decoded(protocol.plain_request(request)) == request


def test_links_travel_by_number() -> None:
    request = r.CreateCluster(clustername="demo", links={0: "10.0.0.1", 7: "10.0.7.1,priority=5"})
    asked = protocol.read_asked(protocol.request_frame(1, request)[HEADER.size :])
    assert protocol.read_request(asked.request) == request


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ({"method": "cluster.explode"}, "method"),
        ({"hostname": "alpha"}, "method"),
        ({"method": 5}, "method"),
        (["cluster.join"], "method"),
        ({**JOIN, "color": "red"}, "color"),
        ({"method": "cluster.join", "hostname": "alpha", "password": SECRET}, "fingerprint"),
        ({**JOIN, "hostname": 5}, "hostname"),
        ({**JOIN, "votes": "many"}, "votes"),
        ({**JOIN, "votes": True}, "votes"),
        ({**JOIN, "links": {"a": "10.0.0.1"}}, "links"),
        ({**JOIN, "links": {0: None}}, "links"),
        ({**JOIN, "links": ["10.0.0.1"]}, "links"),
        ({**JOIN, "password": 5}, "password"),
    ],
)
def test_a_wrong_request_is_refused_by_name(plain: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decoded(plain)
    assert list(caught.value.fields) == [field]
    assert SECRET not in repr(caught.value)


NOT_MESSAGES = {
    "nothing": b"",
    "a key that cannot be one": b"\x81\x90\x01",
    "text that is none": b"\x81\xa1\x80\x01",
    "endless depth": b"\x81\xa1a" * 300_000 + b"\xc0",
    "a length that is a lie": b"\xdd\xff\xff\xff\xff\x01",
    "a byte without meaning": b"\xc1",
}


@pytest.mark.parametrize("payload", NOT_MESSAGES.values(), ids=NOT_MESSAGES)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        protocol.read_asked(payload)
    with pytest.raises(InvalidInput):
        protocol.read_request(msgspec.Raw(payload))
    with pytest.raises(InvalidInput):
        protocol.read_told(payload)


@pytest.mark.parametrize(
    "plain",
    [{"id": 1}, {"id": 0, "cancel": True}, {"id": -1, "cancel": True}, {"request": JOIN}, {"id": "1", "request": JOIN},
     {"id": 1, "request": JOIN, "cancel": True}, {"id": 1, "request": JOIN, "more": 1}],
)  # fmt: skip
def test_an_envelope_is_one_question_or_one_cancel(plain: Any) -> None:
    with pytest.raises(InvalidInput):
        protocol.read_asked(msgpack.packb(plain))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(payload: bytes) -> None:
    for read in (protocol.read_asked, protocol.read_told, lambda given: protocol.read_request(msgspec.Raw(given))):
        with contextlib.suppress(QuireError):
            read(payload)


@pytest.mark.parametrize(
    "request_",
    [
        r.Login(username="root@pam", password=SECRET),
        r.JoinCluster(hostname="alpha", fingerprint="AB", password=SECRET),
        r.UndoAddNode(node="beta", undo_token=SECRET),
        r.CheckTicket(ticket=SECRET),
        r.CheckCsrf(token=SECRET, username="root@pam"),
        r.RenewAfterJoin(ticket=SECRET),
        r.StoreWrite(path="priv/authkey.key", data=SECRET.encode()),
        r.PeerHistory(node_id=2, proof=SECRET, body=SECRET.encode()),
    ],
)
def test_no_secret_shows_in_a_repr(request_: r.Request) -> None:
    for shown in (repr(request_), str(request_), f"{request_}", repr([request_])):
        assert SECRET not in shown
        assert "***" in shown


def test_every_field_that_sounds_like_a_secret_is_hidden() -> None:
    names = {name for kind in protocol.REQUESTS.values() for name in kind.__struct_fields__}
    telling = {name for name in names if any(word in name for word in ("password", "ticket", "token", "key", "proof"))}
    names_only = {"token_coefficient", "tokens", "tokenid", "keys"}  # of tokens, and of kinds of hardware keys
    assert telling - names_only <= r.SECRET_FIELDS
