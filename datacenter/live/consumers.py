"""One open page's socket: who may have one, what it may say, and what is sent to it.

A page says four things, as JSON: `{"seen": n}`, it has taken in n more messages; `{"watch": upid}`, it shows that
task's log, or with `check:` before it a check; `{"node": name}`, it is about that node; `{"whole": true}`, it missed a
change and wants all there is.
Everything it hears is HTML fragments made by `render.py`. Where changes come from is `feed.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any
from urllib.parse import parse_qs

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import parse_cookie
from django.utils import translation

from cluster.control.check_requests import CheckState
from cluster.control.requests import TaskLog
from cluster.errors import Forbidden, NotFound, QuireError, Unauthenticated
from cluster.secret import Secret
from datacenter import gateway
from datacenter.access import cookie, rights, tickets
from datacenter.api.call import Call
from datacenter.api.permission import AUDIT, permitted
from datacenter.language.middleware import known
from datacenter.live import origin, render
from datacenter.live.feed import feed
from datacenter.live.outlet import Everything, Fragments, Item, LogLines, Outlet
from datacenter.tasks.log import Shown, read_log

logger = logging.getLogger(__name__)

# Close codes of our own: a page does not come back by itself after these (see static/js/live.js).
NOT_SIGNED_IN, FOREIGN_ORIGIN, NOT_UNDERSTOOD = 4401, 4403, 4400
INTERNAL_ERROR, TRY_AGAIN_LATER = 1011, 1013
RIGHTS_CHANGED = 1012  # the page comes back by itself, and is told what is for its user now
MESSAGE_CHARS_MAX, NAME_CHARS_MAX = 1024, 256
CHECK = "check:"  # before the id of a check, where a page shows one instead of a task's log
PULSE_S = 10.0  # a page hears something at least this often, to know that its socket lives
RECHECK_S = 1.5  # a ticket that was ended, or a right that was taken away, ends its sockets within two seconds


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """What a page may say."""

    seen: int = 0
    watch: str | None = None
    node: str | None = None
    whole: bool = False


class LiveConsumer(AsyncWebsocketConsumer):
    """Lives as long as the socket does."""

    channel_layer_alias = "none"  # the feed subscribes, once for all sockets

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outlet: Outlet | None = None
        self.log: Shown | None = None
        self.node = self.user = ""
        self.language = known("")
        self.may_look = False
        self.at = ""  # what the page shows already: nothing else is sent to begin with when that is still so
        self._jobs: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        if not origin.is_own(self.scope["headers"]):
            await self.close(FOREIGN_ORIGIN)
            return
        try:
            ticket = await cookie.read(_cookies(self.scope["headers"]))
            gateway.shown_by.set(ticket)
            refusal = await _refusal(ticket)
        except QuireError:
            ticket, refusal = Secret(), TRY_AGAIN_LATER
        await self.accept()  # only an accepted socket can tell the page why it closes
        if refusal:
            await self.close(refusal)
            return
        asked = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.at = asked.get("at", [""])[0]
        self.language = known(asked.get("language", [""])[0])
        translation.activate(self.language)  # for this socket's own tasks
        self.outlet = await feed().open(self.language)
        await self._look_up(ticket)
        self._start(self._send_all(self.outlet), "send to a page")
        self._start(self._stay_signed_in(ticket), "check a page's ticket")

    async def _look_up(self, ticket: Secret) -> None:
        """Whether the page's user may look at the cluster: what is told of it is for those alone."""
        with contextlib.suppress(QuireError):
            self.user = (await tickets.signed_in(ticket)).username
            self.may_look = await permitted(Call(self.user, ""), AUDIT)

    async def disconnect(self, code: int) -> None:
        outlet, self.outlet = self.outlet, None
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.cancel()
        for job in jobs:
            with contextlib.suppress(asyncio.CancelledError):
                await job
        if outlet is not None:
            await feed().close(outlet)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.outlet is None:
            return
        try:
            said = _read(text_data)
        except ValueError:
            await self.close(NOT_UNDERSTOOD)
            return
        self.outlet.seen(said.seen)
        if said.whole:
            self.outlet.offer(Everything())
        if said.node is not None:
            self.node = said.node if self.may_look else ""
            await self._send_each(self._node_page())
        if said.watch is not None and said.watch.startswith(CHECK):
            self.log = None
            await self._send_each(await self._check(said.watch.removeprefix(CHECK)))
        elif said.watch is not None:
            may_follow = self.may_look or self._is_own(said.watch)
            self.log = Shown(said.watch) if said.watch and may_follow else None
            await self._send_each(self._task_window() + await self._refill())

    # --- sending ------------------------------------------------------------------------------------------------------

    async def _send_all(self, outlet: Outlet) -> None:
        try:
            await self._send_for_ever(outlet)
        except Exception:
            logger.exception("a page's socket is closed")
            await self.close(INTERNAL_ERROR)

    async def _send_for_ever(self, outlet: Outlet) -> None:
        while True:
            try:
                async with asyncio.timeout(PULSE_S):
                    item = await outlet.take()
            except TimeoutError:
                await self._send_each((render.pulse(),))
                continue
            await self._send_each(await self._messages(item))

    async def _send_each(self, messages: tuple[str, ...]) -> None:
        if self.outlet is not None:
            self.outlet.sent(len(messages))
        for message in messages:
            await self.send(message)

    async def _messages(self, item: Item) -> tuple[str, ...]:
        if not self.may_look and not isinstance(item, LogLines):
            return self._little(item)
        if isinstance(item, Fragments):
            return item.messages + (self._node_page() if self.node in item.nodes else ())
        if isinstance(item, Everything):
            return self._everything() + await self._refill()
        return await self._log_lines(item)

    def _little(self, item: Fragments | Everything) -> tuple[str, ...]:
        """For whoever may not look at the cluster: that changes arrive."""
        picture = feed().picture
        if picture is None or not isinstance(item, Everything):
            return ()
        return render.nothing_new(picture, feed().flow)

    def _everything(self) -> tuple[str, ...]:
        following, at = feed(), self.at
        self.at = ""
        if following.picture is None:
            return ()
        if at == f"{following.picture.source}:{following.picture.number}":
            return render.nothing_new(following.picture, following.flow)
        return following.snapshot(self.language) + self._node_page()

    def _node_page(self) -> tuple[str, ...]:
        picture = feed().picture
        return render.node_page(picture, self.node) if picture is not None and self.node else ()

    # --- a task's log -------------------------------------------------------------------------------------------------

    def _is_own(self, upid: str) -> bool:
        """A task's id names who started it; their tokens' tasks are theirs."""
        return "".join(upid.split(":")[-2:-1]).partition("!")[0] == self.user

    async def _log_lines(self, item: LogLines) -> tuple[str, ...]:
        value = item.change.value
        if self.log is None or value.get("upid") != self.log.upid:
            return ()
        lines = self.log.next_lines(value["first"], value["lines"])
        if lines is None:
            return await self._refill()
        return (render.log_lines(self.log.upid, lines),) if lines else ()

    def _task_window(self) -> tuple[str, ...]:
        """How the task stands: what was pushed while its window was on its way had no place on the page."""
        picture = feed().picture
        return render.task_window(picture, self.log.upid) if picture is not None and self.log is not None else ()

    async def _refill(self) -> tuple[str, ...]:
        """The whole log, for a page that begins to show it or has missed a line."""
        if self.log is None:
            return ()
        shown = self.log
        try:
            lines = read_log(await gateway.call(TaskLog(shown.upid, limit=0, user=self.user)))
        except (NotFound, Forbidden):
            self.log = None
            return ()
        except QuireError:
            return ()  # the daemon is away; when it is back everything is sent anew
        if not shown.filled_with(lines):
            return ()
        return (render.whole_log(shown.upid, lines),)

    async def _check(self, id_: str) -> tuple[str, ...]:
        """How a check stands that a page begins to show: from here on every page is told."""
        if not self.may_look:
            return ()
        try:
            return (render.findings(await gateway.call(CheckState(id=id_))),)
        except QuireError:
            return ()

    # --- staying ------------------------------------------------------------------------------------------------------

    async def _stay_signed_in(self, ticket: Secret) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            tickets.forget(ticket)  # asked anew: what is kept of it may be as old as the time there is
            if await _refusal(ticket) == NOT_SIGNED_IN:
                await self.close(NOT_SIGNED_IN)
                return
            rights.forget(self.user, AUDIT.path)
            could_look = self.may_look
            await self._look_up(ticket)
            if could_look != self.may_look:
                await self.close(RIGHTS_CHANGED)
                return

    def _start(self, work: Any, name: str) -> None:
        self._jobs.append(asyncio.create_task(work, name=name))


async def _refusal(ticket: Secret) -> int:
    """Why a page may not have its socket now, as a close code; 0 when it may."""
    try:
        await tickets.signed_in(ticket)
    except Unauthenticated:
        return NOT_SIGNED_IN
    except QuireError:
        return TRY_AGAIN_LATER
    return 0


def _read(text: str | None) -> Said:
    """Raises ValueError for anything but what a page says."""
    if text is None or len(text) > MESSAGE_CHARS_MAX:
        raise ValueError("a page says little, and says it in text")
    said = msgspec.json.decode(text, type=Said)
    if said.seen < 0 or max(len(said.watch or ""), len(said.node or "")) > NAME_CHARS_MAX:
        raise ValueError("out of range")
    return said


def _cookies(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """As for a page: an odd cookie of somebody else's takes nothing away from ours."""
    return parse_cookie("; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie"))
