"""The checkers themselves: they accept what is right, agree with trying every order, and find each kind of wrong."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.history import fencing, replay
from tests.history.call import Call, Recorder, load, save
from tests.history.check import findings, judge
from tests.history.linear import check_path
from tests.history.register import after, allows

PATH = "storage.cfg"


def call(kind: str, value: str | None, began: float, ended: float, index: int = 0, **more: object) -> Call:
    outcome = "UNKNOWN" if ended == math.inf else "OK"
    revision = (1, index) if index else None
    return replace(Call("Alice", kind, PATH, began, value=value, outcome=outcome, returned_s=ended, revision=revision),
                   **more)  # type: ignore[arg-type]  # fmt: skip


def recorded(dice: random.Random, clients: int, calls: int, lie: float = 0.0, unknown: float = 0.1) -> list[Call]:
    """What clients of a right store see: each call takes effect at a moment between its invocation and its return.
    With `lie`, some reads tell of something else."""
    moments: list[tuple[float, Call]] = []
    for client in range(clients):
        now_s = dice.random()
        for number in range(calls):
            kind = dice.choice(("write", "write", "create", "cas", "remove", "read", "session-read"))
            one = Call(f"client {client}", kind, PATH, now_s, value=f"{client}.{number}")
            effect_s = now_s + dice.random()
            one.returned_s = effect_s + dice.random()
            now_s = one.returned_s + dice.random() * 0.1
            moments.append((effect_s, one))
    state: str | None = None
    states: list[str | None] = [None]
    index = 1
    for _, one in sorted(moments, key=lambda pair: pair[0]):
        if one.kind == "cas":
            one.expect = dice.choice((state, state, "something else"))
        if one.kind in ("read", "session-read"):
            one.value, one.outcome, one.revision = state, "OK", (1, index)
            if dice.random() < lie:
                one.value = dice.choice(states)
            continue
        one.outcome = "OK"
        if not allows(one, state):
            one.outcome = "REFUSED"
            continue
        state = after(one, state)
        states.append(state)
        index += 1
        one.revision = (1, index)
        if dice.random() < unknown:
            one.outcome, one.returned_s, one.revision = "UNKNOWN", math.inf, None
    return [one for _, one in moments]


def some_order_explains(calls: list[Call]) -> bool:
    """The definition, tried out: every order of every choice of the unknown ones."""
    known = [one for one in calls if one.outcome != "UNKNOWN"]
    loose = [one for one in calls if one.outcome == "UNKNOWN"]
    for count in range(len(loose) + 1):
        for chosen in itertools.combinations(loose, count):
            if any(_explains(order) for order in itertools.permutations([*known, *chosen])):
                return True
    return False


def _explains(order: tuple[Call, ...]) -> bool:
    state: str | None = None
    for place, one in enumerate(order):
        for later in order[place + 1 :]:
            same = later.process == one.process and later.returned_s < one.invoked_s
            if same or (later.returned_s < one.invoked_s and one.kind != "session-read"):
                return False
        if not allows(one, state):
            return False
        state = after(one, state)
    return True


@pytest.mark.parametrize("seed", range(40))
def test_what_a_right_store_answers_is_accepted(seed: int) -> None:
    calls = recorded(random.Random(seed), clients=6, calls=60)
    assert check_path(calls) is None


@pytest.mark.parametrize("seed", range(20))
def test_both_checkers_accept_what_a_right_store_answers(seed: int) -> None:
    calls = recorded(random.Random(seed), clients=6, calls=60, unknown=0.0)
    assert findings(calls) == []
    assert replay.check(calls, [{one.index: "" for one in calls}]) is None


def test_the_search_agrees_with_trying_every_order() -> None:
    wrong = 0
    for seed in range(300):
        dice = random.Random(seed)
        calls = recorded(dice, clients=3, calls=2, lie=0.5)
        expected = some_order_explains(calls)
        wrong += not expected
        assert (check_path(calls) is None) is expected, seed
    assert 30 < wrong < 270


def test_a_stale_read_is_found_by_both() -> None:
    calls = [call("write", "a", 0, 1, 1), call("write", "b", 2, 3, 2), call("read", "a", 4, 5, 1)]
    verdict = judge(calls)
    assert "read storage.cfg a" in verdict.trusting and "; Alice: read storage.cfg a" in verdict.black_box


def test_a_session_read_may_be_of_the_past_but_never_go_back() -> None:
    past = [call("write", "a", 0, 1, 1), call("write", "b", 2, 3, 2)]
    bob = [call("session-read", "a", 4, 5, 1, process="Bob"), call("session-read", "b", 6, 7, 2, process="Bob")]
    assert findings([*past, *bob]) == []
    back = [replace(bob[1], invoked_s=2.5, returned_s=3.5), replace(bob[0], invoked_s=4, returned_s=5)]
    verdict = judge([*past, *back])
    assert "a session goes back" in verdict.trusting and "not linearizable" in verdict.black_box


def test_a_session_sees_what_it_wrote() -> None:
    calls = [call("write", "a", 0, 1, 1), call("session-read", None, 2, 3, 0)]
    assert "not linearizable" in judge(calls).black_box


def test_a_read_of_the_future_is_found() -> None:
    calls = [call("session-read", "a", 0, 1, 1, process="Bob"), call("write", "a", 2, 3, 1)]
    assert "not linearizable" in judge(calls).black_box


def test_a_lost_write_is_found_even_when_only_a_refusal_tells_of_it() -> None:
    lost = [call("create", "a", 0, 1, 1), call("remove", None, 2, 3, outcome="REFUSED")]
    verdict = judge(lost)
    assert "had no reason" in verdict.trusting and "not linearizable" in verdict.black_box


def test_a_change_that_happened_twice_is_found() -> None:
    calls = [
        call("write", "a", 0, 1, 1), call("write", "b", 2, 3, 2), call("session-read", "b", 4, 5, 2),
        call("session-read", "a", 6, 7, 3),
    ]  # fmt: skip
    verdict = judge(calls)
    assert verdict.trusting and verdict.black_box


def test_two_changes_cannot_have_one_place_and_time_is_kept() -> None:
    assert "two changes have one place" in (
        replay.check([call("write", "a", 0, 1, 5), call("write", "b", 0, 1, 5)]) or ""
    )
    later = [call("write", "a", 0, 1, 5), call("write", "b", 2, 3, 4)]
    assert "does not follow" in (replay.check(later) or "")


def test_an_answered_change_is_in_every_log() -> None:
    calls = [call("write", "a", 0, 1, 5, request_id="r1")]
    assert replay.check(calls, [{5: "r1"}]) is None
    assert "not in a log" in (replay.check(calls, [{5: "r1"}, {5: "r2"}]) or "")


def test_an_unknown_change_may_have_happened_or_not() -> None:
    unknown = call("write", "a", 0, math.inf)
    for seen in ("a", None):
        assert findings([unknown, call("read", seen, 2, 3, 1)]) == []
    assert findings([unknown, call("read", None, 2, 3, 1), call("read", "a", 4, 5, 2)]) == []
    assert judge([unknown, call("read", "a", 2, 3, 2), call("read", None, 4, 5, 3)]).black_box


def test_many_unknown_changes_that_nobody_saw_do_not_slow_the_search_down() -> None:
    calls = [call("write", f"u{n}", n, math.inf) for n in range(60)]
    calls += [call("create", None, 100 + n, 101 + n, outcome="REFUSED") for n in range(60)]
    assert check_path(calls) is None


def test_tokens_rise_and_a_stale_one_is_not_good_enough() -> None:
    first = call("lock", None, 0, 1, path="L", token=3)
    second = call("lock", None, 2, 3, path="L", token=7)
    late = call("write", "a", 4, 5, 9, lock="L", token=3)
    assert fencing.check([first, second, replace(late, token=7)]) is None
    assert "had been taken with token 7" in (fencing.check([first, second, late]) or "")
    assert "had been taken with token 3" in (fencing.check([first, replace(second, token=3)]) or "")


def test_a_history_comes_back_from_its_file(tmp_path: Path) -> None:
    now_s = iter(range(100))
    recorder = Recorder("Alice", lambda: float(next(now_s)))
    recorder.returned(recorder.invoke("write", PATH, value="a", request_id="r1"), "OK", revision=(4, 2))
    recorder.returned(recorder.invoke("read", PATH), "OK", value="a", revision=(4, 2))
    recorder.invoke("cas", PATH, value="b", expect="a")
    save(tmp_path / "alice.jsonl", recorder.calls)
    assert load(tmp_path / "alice.jsonl") == recorder.calls
    assert findings(recorder.calls) == []
