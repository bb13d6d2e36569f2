"""One client of the control socket, from its first frame to its last: requests run side by side, streams among them.

Bounded: requests under way, seconds per request, items and bytes waiting for a subscriber, seconds a client may take
to read what it is told. A handler's own fault is logged here with its trace and told to the client as a number only.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cluster.control import protocol
from cluster.control.framing import Deframer
from cluster.control.requests import Request
from cluster.errors import Busy, InvalidInput, OutcomeUnknown, QuireError, Unavailable
from cluster.secret import Secret

log = logging.getLogger(__name__)

Handler = Callable[[Any], Awaitable[Any]]
StreamHandler = Callable[[Any], AsyncIterator[Any]]
# May this be asked for the user it names? (request, the ticket or token beside it, is the client's word enough)
Admission = Callable[[Request, Secret, bool], None]

UNDER_WAY_MAX = 64
FRAME_TIMEOUT_S = 30.0  # for the rest of a frame that has begun, and for a client to read what it is sent
STOP_S = 5.0  # for answers under way when the daemon stops
STREAM_ITEMS_MAX = 1024
STREAM_BYTES_MAX = 8 << 20
STREAM_STALL_S = 1.0  # how long a full queue may stay full before its subscriber is dropped


@dataclass(frozen=True)
class Handlers:
    """What there is to be asked, and for how long an answer may take."""

    answers: Mapping[type[Request], Handler]
    streams: Mapping[type[Request], StreamHandler]
    timeout_s: float
    admit: Admission = lambda _request, _by, _trusted: None


class Conversation:
    """Reads frames until the client leaves; each request is a task of its own."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handlers: Handlers, trusted: bool = True
    ) -> None:
        self._trusted = trusted
        self._reader = reader
        self._writer = writer
        self._handlers = handlers
        self._sending = asyncio.Lock()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._streaming: set[int] = set()
        self._winding_up = False

    async def run(self) -> None:
        """Until the client leaves or the caller cancels; nothing it asked for is under way afterwards."""
        try:
            await self._listen()
        except InvalidInput as error:
            await self._send(protocol.error_frame(protocol.CONNECTION, error))
        except (OSError, TimeoutError):
            pass  # the client is gone, or stopped in the middle of a frame
        finally:
            await self._end_all()

    async def wind_up(self) -> None:
        """The daemon stops: nothing new is begun, streams end, answers under way have a few seconds."""
        self._winding_up = True
        for number in self._streaming:
            self._under_way[number].cancel()
        answers = [task for number, task in self._under_way.items() if number not in self._streaming]
        if answers:
            await asyncio.wait(answers, timeout=STOP_S)

    async def _listen(self) -> None:
        deframer = Deframer()
        due_s: float | None = None
        while True:
            received = await self._receive(due_s)
            if not received:
                return
            payloads = deframer.feed(received)
            for payload in payloads:
                await self._heard(protocol.read_asked(payload))
            if not deframer.midway:
                due_s = None
            elif payloads or due_s is None:
                due_s = asyncio.get_running_loop().time() + FRAME_TIMEOUT_S

    async def _receive(self, due_s: float | None) -> bytes:
        if due_s is None:
            return await self._reader.read(1 << 16)
        async with asyncio.timeout_at(due_s):
            return await self._reader.read(1 << 16)

    async def _heard(self, asked: protocol.Asked) -> None:
        if asked.cancel:
            if task := self._under_way.get(asked.id):
                task.cancel()
        elif asked.id in self._under_way:
            raise InvalidInput(f"The id {asked.id} is in use by a request that is still under way.")
        elif self._winding_up:
            await self._send(protocol.error_frame(asked.id, Unavailable("The daemon of this node is stopping.")))
        elif len(self._under_way) >= UNDER_WAY_MAX:
            busy = Busy(f"This connection has {UNDER_WAY_MAX} requests under way already. Wait for one of them.")
            await self._send(protocol.error_frame(asked.id, busy))
        else:
            self._begin(asked)

    def _begin(self, asked: protocol.Asked) -> None:
        number = asked.id
        task = asyncio.create_task(self._serve(number, asked.request, asked.by))
        self._under_way[number] = task
        task.add_done_callback(lambda _task: self._ended(number))

    def _ended(self, number: int) -> None:
        self._under_way.pop(number, None)
        self._streaming.discard(number)

    async def _end_all(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- serving one request -----------------------------------------------------------------------------------------

    async def _serve(self, number: int, raw: msgspec.Raw, by: Secret) -> None:
        method = "a request"
        try:
            request = protocol.read_request(raw)
            method = str(request.__struct_config__.tag)
            self._handlers.admit(request, by, self._trusted)
            if stream := self._handlers.streams.get(type(request)):
                await self._stream(number, stream(request))
                return
            said = protocol.result_frame(number, await self._answer(request, method))
        except QuireError as error:
            said = protocol.error_frame(number, error)
        except Exception:
            said = protocol.error_frame(number, _fault(method))
        await self._send(said)

    async def _answer(self, request: Request, method: str) -> Any:
        handler = self._handlers.answers.get(type(request))
        if handler is None:
            raise InvalidInput(f"This daemon does not answer {method}.", fields={"method": "Not served here."})
        try:
            async with asyncio.timeout(self._handlers.timeout_s) as limit:
                return await handler(request)
        except TimeoutError:
            if not limit.expired():
                raise
            sentence = f"The daemon did not finish {method} within {self._handlers.timeout_s:g} s."
            request_id = getattr(request, "request_id", None)
            raise OutcomeUnknown(sentence, request_id) if request_id else Unavailable(sentence) from None

    async def _send(self, said: bytes) -> None:
        """A client that does not read for too long is cut off; its tasks end with the conversation."""
        if not self._sending.locked():
            self._writer.write(said)
            if not self._writer.transport.get_write_buffer_size():
                return  # the kernel took it all, as it nearly always does
            said = b""
        try:
            async with asyncio.timeout(FRAME_TIMEOUT_S), self._sending:
                self._writer.write(said)
                await self._writer.drain()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    # --- streams --------------------------------------------------------------------------------------------------

    async def _stream(self, number: int, items: AsyncIterator[Any]) -> None:
        self._streaming.add(number)
        outbox = Outbox()
        sending = asyncio.create_task(self._send_all(outbox))
        try:
            await outbox.finish(await self._fill(outbox, number, items))
            await sending
        finally:
            sending.cancel()

    async def _fill(self, outbox: Outbox, number: int, items: AsyncIterator[Any]) -> bytes:
        """Put every item of the stream into the outbox; → the frame that ends it."""
        try:
            async for item in items:
                await outbox.put(protocol.item_frame(number, item))
            return protocol.end_frame(number)
        except QuireError as error:
            return protocol.error_frame(number, error)
        except Exception:
            return protocol.error_frame(number, _fault("a stream"))
        finally:
            if isinstance(items, AsyncGenerator):
                await items.aclose()

    async def _send_all(self, outbox: Outbox) -> None:
        while said := await outbox.take():
            await self._send(said)


class Outbox:
    """Frames on their way to one subscriber, bounded in number and in bytes."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._changed = asyncio.Condition()
        self._finished = False

    async def put(self, said: bytes) -> None:
        """Raises `Busy` when the subscriber makes no room in time; what waited is then dropped."""
        async with self._changed:
            try:
                async with asyncio.timeout(STREAM_STALL_S):
                    await self._changed.wait_for(lambda: self._has_room(len(said)))
            except TimeoutError:
                self._frames.clear()
                self._bytes = 0
                raise Busy("The subscriber reads too slowly; it was dropped. Subscribe again.") from None
            self._frames.append(said)
            self._bytes += len(said)
            self._changed.notify_all()

    async def take(self) -> bytes:
        """The next frame, or nothing when all is said."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._finished)
            if not self._frames:
                return b""
            said = self._frames.popleft()
            self._bytes -= len(said)
            self._changed.notify_all()
            return said

    async def finish(self, last: bytes) -> None:
        async with self._changed:
            self._frames.append(last)
            self._finished = True
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        few = len(self._frames) < STREAM_ITEMS_MAX
        return few and (not self._frames or self._bytes + size <= STREAM_BYTES_MAX)


def _fault(method: str) -> QuireError:
    """Called while an exception is handled: its trace goes to the log, its number to the client."""
    number = secrets.token_hex(4)
    log.exception("%s failed with a fault of the daemon's own, number %s", method, number)
    return QuireError(f"The daemon failed at {method}. Its log tells more under the number {number}.")
