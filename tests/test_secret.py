"""A secret shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import copy
import json
import logging

import msgspec
import pytest

from cluster.secret import Secret, given


def as_a_pickler_asks(secret: Secret) -> object:
    """What a pickler would ask of it."""
    return secret.__reduce_ex__(4)


TEXT = "correct horse battery staple"


def test_no_way_of_printing_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(TEXT)
    logging.getLogger("test").warning("%s %r %s", secret, secret, [secret])
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", f"{secret:>40}", str({"a": secret})):
        assert TEXT not in shown and "***" in shown
    assert TEXT not in caplog.text
    assert secret.reveal() == TEXT


@pytest.mark.parametrize("write", [as_a_pickler_asks, json.dumps, msgspec.json.encode, msgspec.msgpack.encode])
def test_it_is_not_written_out(write: object) -> None:
    assert callable(write)
    with pytest.raises(TypeError):
        write(Secret(TEXT))


def test_secrets_are_compared_and_copied_without_being_shown() -> None:
    assert Secret(TEXT) == Secret(TEXT) and Secret(TEXT) != Secret("other") and Secret(TEXT) != TEXT
    assert copy.deepcopy([Secret(TEXT)]) == [Secret(TEXT)]
    assert Secret(TEXT) and not Secret()
    assert given(None) == "" and given(Secret(TEXT)) == TEXT
