"""What waits for a page is bounded, in number and in what is on the way to it."""

from __future__ import annotations

import asyncio

from datacenter.live.outlet import UNSEEN_MAX, WAITING_MAX, Everything, Fragments, Outlet


def fragments(number: int) -> Fragments:
    return Fragments((str(number),))


async def test_items_come_in_order() -> None:
    outlet = Outlet()
    for number in range(3):
        outlet.offer(fragments(number))
    assert [await outlet.take() for _ in range(3)] == [fragments(0), fragments(1), fragments(2)]


async def test_too_much_waiting_becomes_one_snapshot() -> None:
    outlet = Outlet()
    for number in range(WAITING_MAX + 1):
        outlet.offer(fragments(number))
    assert isinstance(await outlet.take(), Everything)


async def test_a_snapshot_stands_for_all_around_it() -> None:
    outlet = Outlet()
    outlet.offer(fragments(1))
    outlet.offer(Everything())
    outlet.offer(fragments(2))
    assert isinstance(await outlet.take(), Everything)
    outlet.offer(fragments(3))
    assert await outlet.take() == fragments(3)


async def test_a_page_that_says_nothing_is_sent_no_more_than_the_window() -> None:
    outlet = Outlet()
    for number in range(UNSEEN_MAX + 1):
        outlet.offer(fragments(number))
    for _ in range(UNSEEN_MAX):
        await outlet.take()
        outlet.sent(1)
    waiting = asyncio.ensure_future(outlet.take())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    outlet.seen(1)
    assert await asyncio.wait_for(waiting, 5) == fragments(UNSEEN_MAX)


async def test_seeing_more_than_was_sent_opens_no_wider_window() -> None:
    outlet = Outlet()
    outlet.seen(10_000)
    for number in range(UNSEEN_MAX + 1):
        outlet.offer(fragments(number))
    for _ in range(UNSEEN_MAX):
        await outlet.take()
        outlet.sent(1)
    waiting = asyncio.ensure_future(outlet.take())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
