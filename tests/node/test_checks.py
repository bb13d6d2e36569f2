"""Checks under way: told as they find, bounded, and ended with a sentence whatever happens."""

from __future__ import annotations

import asyncio

import pytest

from cluster.core.findings import Finding
from cluster.errors import Busy, NotFound, Unavailable
from cluster.node.checks import KEPT_MAX, RUNNING_MAX, Checks

FINE = Finding("udp", "ok", "It passes.")


def checks():
    told = []
    return Checks(lambda state: told.append((len(state.findings), state.done)), asyncio.ensure_future), told


async def test_what_is_found_is_told_at_once_and_the_end_too():
    made, told = checks()
    go_on = asyncio.Event()

    async def work(tell):
        tell([FINE])
        await go_on.wait()
        tell([FINE, FINE])

    id_ = made.start("join", work)
    state = await made.state(id_, after=0, wait_s=10)
    assert (len(state.findings), state.done) == (1, False)
    go_on.set()
    state = await made.state(id_, after=3, wait_s=10)
    assert (len(state.findings), state.done, told) == (3, True, [(1, False), (3, False), (3, True)])


@pytest.mark.parametrize("error", [Unavailable("The disk does not answer."), RuntimeError("surprise")])
async def test_a_check_that_fails_ends_with_a_finding(error):
    made, _ = checks()

    async def work(tell):
        raise error

    state = await made.state(made.start("create", work), after=9, wait_s=10)
    assert state.done and state.findings[0].severity == "error" and "surprise" not in state.findings[0].sentence


async def test_there_are_few_at_once_and_few_are_kept():
    made, _ = checks()
    go_on = asyncio.Event()

    async def work(tell):
        await go_on.wait()

    ids = [made.start("create", work) for _ in range(RUNNING_MAX)]
    with pytest.raises(Busy):
        made.start("create", work)
    go_on.set()
    for id_ in ids:
        await made.state(id_, after=9, wait_s=10)
    for _ in range(KEPT_MAX):
        await made.state(made.start("create", work), after=9, wait_s=10)
    with pytest.raises(NotFound):
        await made.state(ids[0])


async def test_a_peer_s_words_are_cut_and_cleaned():
    made, _ = checks()

    async def work(tell):
        tell([Finding("peer", "error", "a\x1b[31m" + "x" * 9999)])

    (found,) = (await made.state(made.start("join", work), after=9, wait_s=10)).findings
    assert len(found.sentence) == 400 and "\x1b" not in found.sentence
