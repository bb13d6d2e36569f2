"""Secrets as pages carry them: never the same to look at, and the same when they return."""

from __future__ import annotations

import pytest

from cluster.secret import Secret
from datacenter.access.masks import covered, uncovered

TOKEN = "6A1F0C3E:c2lnbmF0dXJl+/="


def test_what_is_covered_never_looks_the_same_and_comes_back() -> None:
    seen = {covered(Secret(TOKEN)) for _ in range(50)}
    assert len(seen) == 50 and not any(TOKEN[9:] in each for each in seen)
    assert {uncovered(each) for each in seen} == {TOKEN}


def test_a_token_as_other_clients_send_it_stays_as_it_is() -> None:
    assert uncovered(TOKEN) == TOKEN


@pytest.mark.parametrize("nonsense", ["~", "~x", "~ä", "~" + "A" * 9, "~/w==", "~AAH/"])
def test_what_cannot_be_read_is_no_token(nonsense: str) -> None:
    assert uncovered(nonsense) in ("", "\x00", "\x01")
