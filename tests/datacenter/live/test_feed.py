"""The feed of a process: snapshot first, then every change; gaps, silence and new lives of the daemon heal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from channels.layers import get_channel_layer

from cluster.control import requests as ask
from cluster.control.requests import as_plain
from cluster.errors import Unavailable
from cluster.model import Change, Sample
from datacenter.live import feed as feed_module
from datacenter.live import gathering
from datacenter.live.feed import Feed
from datacenter.live.outlet import Everything, Fragments, Item, LogLines, Outlet
from tests.datacenter.fake_daemon import FakeDaemon

DEADLINE_S = 15


class Following:
    """A feed with one outlet, and the daemon's changes on their way to it."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon
        self.feed = Feed()
        self.outlet = Outlet()
        self.taken: list[Item] = []
        self.lost = False
        self.layer: Any = get_channel_layer()
        self._sending: list[asyncio.Task[None]] = []
        daemon.listener = self.send

    def send(self, change: Change, source: str = "") -> None:
        if self.lost:
            return
        message = {"type": "live.change", "change": as_plain(change), "source": source or self.daemon.source}
        self._sending.append(asyncio.ensure_future(self.layer.group_send("live", message)))

    async def take(self, kind: type[Item]) -> Any:
        """The next item of this kind."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                item = await self.outlet.take()
                self.outlet.seen(1)
                self.taken.append(item)
                if isinstance(item, kind):
                    return item

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():  # noqa: ASYNC110  (another task makes it true)
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        await self.feed.close(self.outlet)
        await asyncio.gather(*self._sending, return_exceptions=True)


@pytest.fixture
async def following(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Following]:
    monkeypatch.setattr(feed_module, "QUIET_S", 0.05)
    monkeypatch.setattr(feed_module, "GRACE_S", 0.02)
    monkeypatch.setattr(feed_module, "RETRY_S_FIRST", 0.02)
    monkeypatch.setattr(feed_module, "RETRY_S_MAX", 0.1)
    daemon.form(3)
    here = Following(daemon)
    here.outlet = await here.feed.open()
    await here.take(Everything)
    yield here
    with contextlib.suppress(asyncio.CancelledError):
        await here.close()


async def test_it_begins_with_a_snapshot_and_goes_on_with_each_change(following: Following) -> None:
    daemon, feed = following.daemon, following.feed
    assert feed.picture is not None and feed.picture.number == daemon.number and feed.flow.live
    daemon.set_online("gamma", False)
    await following.until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    assert feed.picture.cluster.node("gamma").online is False  # type: ignore[union-attr]
    assert isinstance(await following.take(Fragments), Fragments)
    assert Everything() not in following.taken[1:]


async def test_a_large_cluster_s_figures_travel_together_and_with_what_cannot_wait(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, feed = following.daemon, following.feed
    daemon.form(12)
    await following.until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    await following.until(lambda: feed._gathered.before is None)
    monkeypatch.setattr(gathering, "GATHER_S", 3600.0)
    for node in daemon.cluster.nodes:
        daemon.publish("node", replace(node, sample=Sample(2e9, {"cpu": 0.625})))
    await following.until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    daemon.publish("node", replace(daemon.cluster.nodes[2], online=False))
    while "62.5 %" not in "".join(pushed := (await following.take(Fragments)).messages):
        pass
    assert f'data-change-number="{daemon.number}"' in pushed[-1] and 'data-state="offline"' in pushed[0]
    assert sum(message.count('id="node-cpu-') for message in pushed) >= 11


async def test_a_gap_means_a_new_snapshot(following: Following) -> None:
    daemon = following.daemon
    following.lost = True
    daemon.set_online("gamma", False)
    following.lost = False
    daemon.set_online("beta", False)
    await following.take(Everything)
    assert following.feed.picture is not None
    assert [node.online for node in following.feed.picture.cluster.nodes] == [True, False, False]


async def test_t53_an_unreadable_change_means_a_new_snapshot(following: Following) -> None:
    await following.layer.group_send("live", {"type": "live.change", "change": {"number": "x"}, "source": ""})
    await following.take(Everything)
    assert following.feed.flow.live


async def test_a_daemon_that_started_anew_is_noticed_by_its_first_change(following: Following) -> None:
    daemon = following.daemon
    daemon.source, daemon.number = "second life", 0
    daemon.cluster = replace(daemon.cluster, name="renamed")
    daemon.set_online("gamma", False)
    await following.until(lambda: following.feed.picture is not None and following.feed.picture.source == "second life")
    assert following.feed.picture is not None and following.feed.picture.cluster.name == "renamed"


async def test_changes_from_before_the_snapshot_are_passed_over(following: Following) -> None:
    picture = following.feed.picture
    assert picture is not None
    following.send(Change(picture.number - 1, "cluster", {"nonsense": True}, 0.0))
    following.daemon.log(following.daemon.begin("clusterjoin", (), lambda: None), "a line")
    await following.take(LogLines)
    assert Everything() not in following.taken[1:]


async def test_a_daemon_that_is_gone_pauses_and_its_return_heals(following: Following) -> None:
    daemon = following.daemon
    daemon.refusals[ask.Status] = Unavailable("The daemon of this node does not answer.")
    await following.until(lambda: not following.feed.flow.live)
    assert following.feed.flow.reason == "The daemon of this node does not answer."
    paused_since_s = following.feed.flow.since_s
    item = await following.take(Fragments)
    assert "The daemon of this node does not answer." in item.messages[0]
    daemon.refusals.clear()
    await following.until(lambda: following.feed.flow.live)
    assert following.feed.flow.since_s >= paused_since_s
    await following.take(Everything)


async def test_changes_that_do_not_arrive_pause_and_are_asked_for(following: Following) -> None:
    daemon, feed = following.daemon, following.feed
    following.lost = True
    daemon.set_online("gamma", False)
    await following.until(lambda: not feed.flow.live)
    assert "do not arrive" in feed.flow.reason
    await following.until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    daemon.set_online("beta", False)
    await following.until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    following.lost = False
    daemon.sample()
    await following.until(lambda: feed.flow.live)


async def test_silence_while_nothing_happens_is_no_pause(following: Following) -> None:
    asked = len(following.daemon.asked)
    await following.until(lambda: len(following.daemon.asked) >= asked + 3)
    assert following.feed.flow.live


async def test_a_second_page_gets_its_own_snapshot(following: Following) -> None:
    second = await following.feed.open()
    assert isinstance(await asyncio.wait_for(second.take(), DEADLINE_S), Everything)
    assert following.feed.snapshot() is following.feed.snapshot(), "one rendering serves both"
    await following.feed.close(second)
    following.daemon.sample()
    await following.take(Fragments)


async def test_without_pages_nobody_follows(daemon: FakeDaemon) -> None:
    feed = Feed()
    outlet = await feed.open()
    await feed.close(outlet)
    asked = len(daemon.asked)
    await get_channel_layer().group_send("live", {"type": "live.change", "change": {}, "source": ""})
    assert len(daemon.asked) == asked
