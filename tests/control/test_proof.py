"""The proof of membership: good for one request, from one node, for a minute, and for nothing else."""

from __future__ import annotations

import pytest

from cluster.control.proof import WINDOW_S, ReplayCache, check_proof, proof
from cluster.errors import Busy, Unauthenticated

KEY, NOW_S, BODY = b"k" * 256, 1_700_000_000.0, b"have: 3"


def check(text: str, node_id: int = 2, body: bytes = BODY, now_s: float = NOW_S, key: bytes = KEY) -> None:
    check_proof(key, text, node_id, body, now_s, ReplayCache())


def test_a_member_is_believed() -> None:
    check(proof(KEY, 2, NOW_S, BODY))


@pytest.mark.parametrize("ahead_s", [-WINDOW_S, 0, WINDOW_S])
def test_clocks_may_differ_by_the_window(ahead_s: int) -> None:
    check(proof(KEY, 2, NOW_S + ahead_s, BODY))


@pytest.mark.parametrize("ahead_s", [-WINDOW_S - 1, WINDOW_S + 1])
def test_t64_clocks_that_differ_by_more_are_named_as_the_cause(ahead_s: int) -> None:
    with pytest.raises(Unauthenticated, match="clocks"):
        check(proof(KEY, 2, NOW_S + ahead_s, BODY))


def test_another_node_body_or_key_is_not_believed() -> None:
    text = proof(KEY, 2, NOW_S, BODY)
    for changed in ({"node_id": 3}, {"body": b"have: 4"}, {"key": b"x" * 256}):
        with pytest.raises(Unauthenticated):
            check(text, **changed)  # type: ignore[arg-type]


def test_no_digit_of_a_proof_can_be_changed() -> None:
    text = proof(KEY, 2, NOW_S, BODY)
    for place, char in enumerate(text):
        changed = text[:place] + ("0" if char != "0" else "1") + text[place + 1 :]
        with pytest.raises(Unauthenticated):
            check(changed)


@pytest.mark.parametrize("text", ["", "1:2:3:4", "1" * 10_000, proof(KEY, 2, NOW_S, BODY) + "\n", "1:٣:" + "0" * 97])
def test_what_is_no_proof_is_not_believed(text: str) -> None:
    with pytest.raises(Unauthenticated):
        check(text)


def test_a_proof_is_good_once_also_after_a_minute() -> None:
    seen = ReplayCache()
    ahead = proof(KEY, 2, NOW_S + WINDOW_S, BODY)
    check_proof(KEY, ahead, 2, BODY, NOW_S, seen)
    for later_s in (0, WINDOW_S, 2 * WINDOW_S):
        with pytest.raises(Unauthenticated):
            check_proof(KEY, ahead, 2, BODY, NOW_S + later_s, seen)


def test_asking_the_same_again_is_a_new_proof() -> None:
    seen = ReplayCache()
    for _ in range(3):
        check_proof(KEY, proof(KEY, 2, NOW_S, BODY), 2, BODY, NOW_S, seen)


def test_a_full_memory_refuses_newcomers_until_the_old_ones_are_past() -> None:
    seen = ReplayCache(size_max=3)
    first = [proof(KEY, 2, NOW_S, BODY) for _ in range(3)]
    for text in first:
        check_proof(KEY, text, 2, BODY, NOW_S, seen)
    with pytest.raises(Busy):
        check_proof(KEY, proof(KEY, 2, NOW_S, BODY), 2, BODY, NOW_S, seen)
    with pytest.raises(Unauthenticated):
        check_proof(KEY, first[0], 2, BODY, NOW_S, seen)
    later_s = NOW_S + 2 * WINDOW_S + 1
    check_proof(KEY, proof(KEY, 2, later_s, BODY), 2, BODY, later_s, seen)


def test_a_forged_proof_takes_no_room_in_the_memory() -> None:
    seen = ReplayCache(size_max=1)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            check_proof(KEY, proof(b"x", 2, NOW_S, BODY), 2, BODY, NOW_S, seen)
    check_proof(KEY, proof(KEY, 2, NOW_S, BODY), 2, BODY, NOW_S, seen)
