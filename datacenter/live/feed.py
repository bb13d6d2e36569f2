"""One subscription per process to the daemon's changes, shared by all its open pages.

It joins the channel layer's group first, then takes a snapshot at number n, then follows n+1 and so on; a gap, an
unreadable change or a new life of the daemon means a new snapshot. When changes stop coming it asks the daemon: if that
does not answer, or has gone on without our hearing of it (Redis is down), pages are told that live updates are paused,
and get a snapshot as often as can be had. It runs while there is a page and heals by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.layers import get_channel_layer
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, override

from cluster.control.requests import Status
from cluster.errors import QuireError
from cluster.model import Change
from datacenter import gateway
from datacenter.live import render
from datacenter.live.gathering import Gathered
from datacenter.live.outlet import Everything, Fragments, LogLines, Outlet
from datacenter.live.picture import OutOfStep, Picture, after, picture_of, read_change

_ = gettext_lazy
logger = logging.getLogger(__name__)

GROUP = "live"
ARRIVED_MAX = 1024
QUIET_S = 3.0  # without a change for this long, the daemon is asked whether all is well
GRACE_S = 0.5  # a change the daemon has already counted may still be on its way
ASK_TIMEOUT_S = 2.0
RETRY_S_FIRST, RETRY_S_MAX = 0.25, 1.0  # a page is right again within three seconds of the daemon


@dataclass(frozen=True, slots=True)
class Flow:
    """Whether changes arrive. `reason` is a sentence when they do not; `since_s` (unix) is when that began."""

    live: bool
    since_s: float
    reason: str | Promise = ""


class Feed:
    """Follows the daemon while it has outlets."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.flow = Flow(False, time.time(), _("Connecting to this node's service."))
        self._told = 0  # the last change that pages heard of
        self._gathered = Gathered()
        self._rendered: dict[str, tuple[Picture, Flow, tuple[str, ...]]] = {}
        self._outlets: set[Outlet] = set()
        self._task: asyncio.Task[None] | None = None

    async def open(self, language: str = "en") -> Outlet:
        outlet = Outlet(language)
        self._outlets.add(outlet)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="follow the daemon")
        elif self.picture is not None:
            outlet.offer(Everything())
        return outlet

    async def close(self, outlet: Outlet) -> None:
        self._outlets.discard(outlet)
        if not self._outlets and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def snapshot(self, language: str = "en") -> tuple[str, ...]:
        """All there is, as fragments; rendered once for all pages of a language that need it at the same moment."""
        picture, flow = self.picture, self.flow
        if picture is None:
            return ()
        known = self._rendered.get(language)
        if known is None or known[0] is not picture or known[1] is not flow:
            with override(language):
                known = self._rendered[language] = (picture, flow, render.everything(picture, flow))
        return known[2]

    # --- following ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause_s = RETRY_S_FIRST
        while True:
            began_s = time.monotonic()
            try:
                await self._follow()
            except asyncio.CancelledError:
                raise
            except OutOfStep as step:
                logger.info("taking a new snapshot: %s", step.message)
            except QuireError as error:
                self._paused(error.message)
            except Exception as error:  # a channel layer raises what its transport raises
                logger.warning("live updates are paused: %s: %s", type(error).__name__, error)
                self._paused(_("The channel to this node's service is down."))
                await self._snapshot_if_any()
            if time.monotonic() - began_s > RETRY_S_MAX:
                pause_s = RETRY_S_FIRST
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, RETRY_S_MAX)

    async def _follow(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        arrived: asyncio.Queue[Any] = asyncio.Queue(ARRIVED_MAX)
        receiving = asyncio.create_task(_receive(layer, channel, arrived), name="receive changes")
        try:
            await layer.group_add(GROUP, channel)
            self._show(await self._ask())
            self._goes_on()
            while True:
                await self._step(arrived, receiving)
        finally:
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await receiving
            with contextlib.suppress(Exception):
                await layer.group_discard(GROUP, channel)

    async def _step(self, arrived: asyncio.Queue[Any], receiving: asyncio.Task[None]) -> None:
        left_s = self._gathered.left_s(time.monotonic())
        message = await _next(arrived, QUIET_S if left_s is None else left_s) if left_s != 0 else None
        if message is None and receiving.done():
            receiving.result()
        if message is None and left_s is not None:
            self._push()
            return
        if message is None:
            await self._look_why_it_is_quiet(arrived)
            return
        picture = self.picture
        assert picture is not None
        source = str(message.get("source") or picture.source)
        change = read_change(message.get("change"))
        if source != picture.source:
            raise OutOfStep("the daemon has started anew")
        if change.number > picture.number:
            self._advance(picture, change)
            self._goes_on()
        elif change.number < picture.number - ARRIVED_MAX:
            raise OutOfStep("the daemon counts from the beginning again")

    async def _look_why_it_is_quiet(self, arrived: asyncio.Queue[Any]) -> None:
        now = await self._ask()
        picture = self.picture
        assert picture is not None
        if (now.source, now.number) == (picture.source, picture.number):
            return
        if self.flow.live:
            await asyncio.sleep(GRACE_S)
            if not arrived.empty():
                return
            self._paused(_("Changes do not arrive here; what is shown is asked for every few seconds."))
        self._show(now)

    def _advance(self, picture: Picture, change: Change) -> None:
        now = self.picture = after(picture, change)
        if change.topic == "tasklog":
            self._offer(LogLines(change))
        self._gathered.add(picture, now, change, time.monotonic())
        if self._gathered.left_s(time.monotonic()) == 0:
            self._push()

    def _push(self) -> None:
        before, changes = self._gathered.take(time.monotonic())
        now, told = self.picture, self._told
        assert before is not None and now is not None
        if self._offer_each(lambda: render.difference(before, now, changes, told)):
            self._told = now.number

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _ask(self) -> Picture:
        return picture_of(await gateway.call(Status(), timeout_s=ASK_TIMEOUT_S))

    async def _snapshot_if_any(self) -> None:
        with contextlib.suppress(QuireError):
            self._show(await self._ask())

    # --- telling ------------------------------------------------------------------------------------------------------

    def _show(self, picture: Picture) -> None:
        self.picture, self._told = picture, picture.number
        self._gathered.drop()
        self._offer(Everything())

    def _paused(self, reason: str | Promise) -> None:
        since_s = time.time() if self.flow.live else self.flow.since_s
        flow = Flow(False, since_s, reason)
        if flow != self.flow:
            self.flow = flow
            self._offer_each(lambda: render.flow(flow))

    def _goes_on(self) -> None:
        if not self.flow.live:
            flow = self.flow = Flow(True, time.time())
            self._offer_each(lambda: render.flow(flow))

    def _offer_each(self, make: Callable[[], Fragments]) -> bool:
        """Rendered once for each language that a page is open in. Whether there was anything to send."""
        anything = False
        for language in {outlet.language for outlet in self._outlets}:
            with override(language):
                fragments = make()
            if not fragments.messages and not fragments.nodes:
                continue
            for outlet in self._outlets:
                if outlet.language == language:
                    outlet.offer(fragments)
            anything = anything or bool(fragments.messages)
        return anything

    def _offer(self, item: LogLines | Everything) -> None:
        for outlet in self._outlets:
            outlet.offer(item)


async def _receive(layer: Any, channel: str, arrived: asyncio.Queue[Any]) -> None:
    """Only this waits on the layer: cancelling a layer's `receive` unsubscribes. A full queue becomes a gap."""
    while True:
        message = await layer.receive(channel)
        if arrived.full():
            arrived.get_nowait()
        arrived.put_nowait(message)


async def _next(arrived: asyncio.Queue[Any], timeout_s: float) -> Any:
    """The next message; None when there is none in time. (`wait_for` may lose a cancellation on Python 3.11.)"""
    try:
        async with asyncio.timeout(timeout_s):
            return await arrived.get()
    except TimeoutError:
        return None


_feeds: dict[asyncio.AbstractEventLoop, Feed] = {}


def feed() -> Feed:
    """This process's feed."""
    loop = asyncio.get_running_loop()
    for closed in [known for known in _feeds if known.is_closed()]:
        del _feeds[closed]
    return _feeds.setdefault(loop, Feed())
