"""The control socket for asyncio programs: calls share one connection, each stream has a connection of its own.

A lost connection is made anew at the next call. Every call is bounded in time, and no more calls are under way than
the daemon accepts. `BlockingClient`, for programs without an event loop, lives in `blocking.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from os import PathLike, fspath
from typing import Any

import msgspec

from cluster.control import failures, protocol
from cluster.control.blocking import CALL_TIMEOUT_S, BlockingClient, lost, unfinished, unreachable
from cluster.control.framing import Deframer
from cluster.control.requests import Request
from cluster.errors import InvalidInput, QuireError
from cluster.secret import Secret

__all__ = ["BlockingClient", "Client"]

CONNECT_TIMEOUT_S = 5.0
CALLS_MAX = 60  # the daemon refuses the 65th request of a connection; a cancelled one may linger there


class Client:
    """Asks the daemon at `path`. Belongs to the event loop it is first used on; `close()` it there."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = fspath(path)
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._places = asyncio.Semaphore(CALLS_MAX)

    async def call(self, request: Request, timeout_s: float = CALL_TIMEOUT_S, by: Secret | None = None) -> Any:
        """→ the result; `by` is the ticket or token of whom it is asked for. Raises the `QuireError` the daemon raised;
        `Unavailable` when it is not there or too slow, `OutcomeUnknown` when it is too slow for a request that carries
        an id to ask again by."""
        try:
            async with asyncio.timeout(timeout_s), self._places:
                connection = await self._connected()
                return await connection.ask(request, by)
        except TimeoutError:
            method = str(request.__struct_config__.tag)
            raise unfinished(self.path, method, timeout_s, getattr(request, "request_id", None)) from None

    async def stream(self, request: Request, first_timeout_s: float = CALL_TIMEOUT_S) -> AsyncIterator[Any]:
        """Items until the daemon ends the stream or the caller stops reading. The first has to come in time."""
        with _opening(self.path):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(self.path)
        subscription = _Subscription(self.path, reader, writer)
        try:
            subscription.begin(request)
            limit_s: float | None = first_timeout_s
            while True:
                async with asyncio.timeout(limit_s):
                    told = await subscription.next()
                if told.end:
                    return
                yield told.item
                limit_s = None
        except TimeoutError:
            raise unfinished(self.path, str(request.__struct_config__.tag), first_timeout_s, None) from None
        finally:
            subscription.close()

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connected(self) -> _Connection:
        async with self._connecting:
            if self._connection is None or self._connection.gone:
                with _opening(self.path):
                    async with asyncio.timeout(CONNECT_TIMEOUT_S):
                        loop = asyncio.get_running_loop()
                        _, self._connection = await loop.create_unix_connection(
                            lambda: _Connection(self.path), self.path
                        )
            return self._connection


class _Connection(asyncio.Protocol):
    """Many calls on one line; answers find their call by number. What waits to be sent is bounded by CALLS_MAX."""

    def __init__(self, path: str) -> None:
        self.gone = False
        self._path = path
        self._deframer = Deframer()
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._last_number = protocol.CONNECTION
        self._failure: QuireError = lost(path)
        self._transport: asyncio.Transport | None = None

    async def ask(self, request: Request, by: Secret | None) -> Any:
        self._last_number += 1
        number = self._last_number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._send(protocol.request_frame(number, request, by))
        self._calls[number] = answer
        try:
            return await answer
        except asyncio.CancelledError:
            self._send(protocol.cancel_frame(number))
            raise
        finally:
            del self._calls[number]

    def close(self) -> None:
        self.gone = True
        if self._transport is not None:
            self._transport.abort()

    def _send(self, said: bytes) -> None:
        if self.gone or self._transport is None:
            raise self._failure
        self._transport.write(said)

    # --- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._deframer.feed(data):
                self._heard(protocol.read_told(payload))
        except QuireError as error:
            self._failure = error
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(self._failure)

    def _heard(self, told: protocol.Told) -> None:
        if told.id == protocol.CONNECTION:
            raise failures.from_wire(told.error)
        answer = self._calls.get(told.id)
        if answer is None or answer.done():
            return  # given up meanwhile
        if told.error is not msgspec.UNSET:
            answer.set_exception(failures.from_wire(told.error))
        elif told.result is msgspec.UNSET:
            answer.set_exception(InvalidInput("The daemon answered a call with a stream; subscribe to it instead."))
        else:
            answer.set_result(told.result)


class _Subscription:
    """One stream on a line of its own: the socket's own buffer is the only queue on this side."""

    def __init__(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self._deframer = Deframer()
        self._waiting: list[bytes] = []

    def begin(self, request: Request) -> None:
        self._writer.write(protocol.request_frame(1, request))

    async def next(self) -> protocol.Told:
        """One message, with `error` raised. Raises `Unavailable` when the daemon is gone."""
        while not self._waiting:
            try:
                received = await self._reader.read(1 << 16)
            except OSError:
                received = b""
            if not received:
                raise lost(self._path)
            self._waiting = self._deframer.feed(received)[::-1]
        told = protocol.read_told(self._waiting.pop())
        if told.error is not msgspec.UNSET:
            raise failures.from_wire(told.error)
        return told

    def close(self) -> None:
        self._writer.transport.abort()


@contextlib.contextmanager
def _opening(path: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise unfinished(path, "a connection", CONNECT_TIMEOUT_S, None) from None
    except OSError as error:
        raise unreachable(path, error) from None
