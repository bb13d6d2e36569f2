"""When the cluster is shown: at once, once for what happens together, and never so often that nothing else is done."""

from __future__ import annotations

import asyncio

from cluster.node.showing import AT_MOST_EVERY_S, REST_PER_WORK, Showing


class Shows:
    """Counts, and takes `takes_s` each time by a clock that only that moves."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.count, self.takes_s, self.now_s = 0, takes_s, 1000.0
        self.asked_s: list[float] = []
        self.showing = Showing(self._show, lambda: self.now_s, lambda: self.now_s)

    def _show(self, asked_s: float) -> None:
        self.count += 1
        self.asked_s.append(asked_s)
        self.now_s += self.takes_s


async def turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_happens_in_one_turn_is_shown_once_and_at_once() -> None:
    here = Shows()
    for _ in range(5):
        here.showing.soon()
    await turn()
    assert here.count == 1


async def test_a_show_that_took_long_is_rested_after_in_proportion() -> None:
    here = Shows(takes_s=60.0)
    here.showing.soon()
    await turn()
    here.showing.soon()
    await turn()
    assert here.count == 1
    here.now_s += REST_PER_WORK * 60.0
    here.showing.soon()
    await turn()
    assert here.count == 2


async def test_figures_wait_a_little_and_a_change_does_not_wait_for_them() -> None:
    here = Shows()
    here.showing.before_long()
    await turn()
    assert here.count == 1, "after a quiet while they are shown at once"
    here.showing.before_long()
    await turn()
    assert here.count == 1
    here.showing.soon()
    await turn()
    assert here.count == 2
    here.now_s += AT_MOST_EVERY_S
    here.showing.before_long()
    await turn()
    assert here.count == 3


async def test_whoever_looks_sees_what_waits() -> None:
    here = Shows(takes_s=60.0)
    here.showing.soon()
    await turn()
    here.showing.soon()
    here.showing.now()
    here.showing.now()
    assert here.count == 2


async def test_what_is_shown_is_as_old_as_the_first_that_waited_for_it() -> None:
    here = Shows()
    here.showing.soon()
    await turn()
    here.now_s += 0.01
    here.showing.before_long()
    here.now_s += 0.02
    here.showing.soon()
    here.now_s += 0.03
    here.showing.now()
    assert here.asked_s == [1000.0, 1000.01]
