"""Errors travel: the same class, words and facts on the other side, for every class there is."""

from __future__ import annotations

import errno

import msgspec
import pytest

from cluster import errors
from cluster.control.failures import CLASSES, from_wire, to_wire
from cluster.errors import CorosyncError, OutcomeUnknown, QuireError, StoreRefusal

FACTS = {
    StoreRefusal: (errno.EACCES, "read-only without quorum"),
    OutcomeUnknown: ("may have happened", "r-1"),
    CorosyncError: ("cpg_join", "CS_ERR_TRY_AGAIN"),
}


def travelled(error: QuireError) -> QuireError:
    return from_wire(msgspec.msgpack.decode(msgspec.msgpack.encode(to_wire(error))))


def all_classes() -> list[type[QuireError]]:
    named = (each for each in vars(errors).values() if isinstance(each, type))
    return [each for each in named if issubclass(each, QuireError)]


def test_the_table_knows_every_class_by_a_code_of_its_own() -> None:
    assert set(CLASSES.values()) == set(all_classes())


@pytest.mark.parametrize("kind", all_classes())
def test_an_error_arrives_as_what_it_was(kind: type[QuireError]) -> None:
    error = kind(*FACTS.get(kind, ("it failed",)))
    error.fields = {"clustername": "too long"}
    arrived = travelled(error)
    assert type(arrived) is kind
    assert vars(arrived) == vars(error)
    assert str(arrived) == str(error)


def test_an_unknown_code_keeps_its_words() -> None:
    arrived = from_wire({"code": "from-the-future", "message": "out of tea", "fields": {"cup": "empty"}})
    assert type(arrived) is QuireError
    assert (arrived.message, arrived.fields) == ("out of tea", {"cup": "empty"})


@pytest.mark.parametrize(
    "plain",
    [None, [], "x", {}, {"code": 1}, {"code": []}, {"message": None}, {"fields": [1]}, {"fields": {1: None}},
     {"code": "store-refusal", "errno": "x"}, {"code": "outcome-unknown", "request_id": 5}, {"code": "corosync"}],
)  # fmt: skip
def test_nonsense_becomes_an_error_too(plain: object) -> None:
    arrived = from_wire(plain)
    assert isinstance(arrived, QuireError)
    assert arrived.message
