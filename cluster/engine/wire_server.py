"""The wire's inside: a line per connection, a switchboard per cluster, and what bounds them in bytes and time.

Lives in the wire's process (`wire.py`). A line that is full makes the senders of its cluster wait; one that stays full
is hung up on. What the frames mean is `wire_frames.py`, who hears whom is `switchboard.py`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import cast

from cluster.engine import wire_frames as frames
from cluster.engine.switchboard import Port, Switchboard
from cluster.errors import Conflict, QuireError

LINGER_S = 2.0  # an idle wire ends after this
HELLO_TIMEOUT_S = 5.0
SLOW_TIMEOUT_S = 5.0  # one that takes nothing for this long is hung up on
LINE_HIGH_BYTES = 8 << 20  # above this, senders have to wait
LINE_BYTES_MAX = 32 << 20  # above this, the receiver is hung up on at once
CONNECTIONS_MAX = 256


class Wire:
    """All lines and switchboards of one wire."""

    def __init__(self) -> None:
        self.lines: set[Line] = set()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._boards: dict[bytes, Switchboard] = {}
        self._sides: list[list[int]] = []
        self._linger: asyncio.TimerHandle | None = None
        self._linger_while_idle()

    def board(self, key: bytes) -> Switchboard:
        if key not in self._boards:
            self._boards[key] = Switchboard()
            self._boards[key].split(self._sides)
        return self._boards[key]

    def rekey(self, board: Switchboard, key: bytes) -> None:
        """All who are on this board go on together under the new key, with whoever came with it already."""
        early = self._boards.get(key)
        self._boards = {known: each for known, each in self._boards.items() if each is not board} | {key: board}
        for line in [line for line in self.lines if line.board is early and early not in (None, board)]:
            line.move_to(board)

    def opened(self, line: Line) -> None:
        self.lines.add(line)
        if self._linger is not None:
            self._linger.cancel()

    def closed(self, line: Line) -> None:
        self.lines.discard(line)
        if line.board is not None and line.port is not None:
            line.board.detach(line.port)
            self._boards = {key: board for key, board in self._boards.items() if board.ports}
        self.balance()
        self._linger_while_idle()

    def balance(self) -> None:
        """Let senders of a cluster wait while one of its lines is full, so that nothing grows without bound."""
        full = {line.board for line in self.lines if line.full and line.board is not None}
        for line in self.lines:
            line.read_on(line.board not in full)

    def obey(self, control: frames.Control) -> None:
        match control:
            case frames.Split(sides):
                self._split(sides)
            case frames.Heal():
                self._split([])
            case frames.Drop(node_id):
                for line in [line for line in self.lines if line.port is not None and line.port.node_id == node_id]:
                    line.refuse("Somebody asked the wire to hang up.")
            case frames.End():
                self.end()

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _split(self, sides: list[list[int]]) -> None:
        self._sides = sides
        for board in self._boards.values():
            board.split(sides)

    def _linger_while_idle(self) -> None:
        if not self.lines:
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self.end)


class Line(asyncio.Protocol):
    """One connection: an engine's, once it said hello, or that of somebody who controls the network."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.board: Switchboard | None = None
        self.port: Port | None = None
        self.full = False
        self._reader = frames.Reader()
        self._unsent: list[bytes] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=LINE_HIGH_BYTES)
        if len(self.wire.lines) >= CONNECTIONS_MAX or not _is_ours(self._transport):
            self._transport.abort()
            return
        self.wire.opened(self)
        self._within(HELLO_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._in_time()
        if self in self.wire.lines:
            self.wire.closed(self)

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._reader.feed(data):
                if self._transport is None or self._transport.is_closing():
                    return
                self._read(frames.read_at_wire(body))
        except QuireError as error:
            self.refuse(error.message)

    def pause_writing(self) -> None:
        self.full = True
        self._within(SLOW_TIMEOUT_S)
        self.wire.balance()

    def resume_writing(self) -> None:
        self.full = False
        self._in_time()
        self.wire.balance()

    def read_on(self, reading: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if reading else self._transport.pause_reading)()

    def move_to(self, board: Switchboard) -> None:
        """To the cluster whose key this line has."""
        assert self.board is not None and self.port is not None
        self.board.detach(self.port)
        self.board = board
        try:
            board.attach(self.port, 0)
        except Conflict as error:
            self.refuse(error.message)

    def put(self, frame: bytes) -> None:
        """To the end of the line; sent in one piece with what else this turn of the loop brings."""
        if self._transport is None or self._transport.is_closing():
            return
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(frame)

    def refuse(self, reason: str) -> None:
        """Say why, and hang up."""
        self.put(frames.encode(frames.Refused(reason)))
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        data, self._unsent = b"".join(self._unsent), []
        if self._transport is None or self._transport.is_closing() or not data:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > LINE_BYTES_MAX:
            self._transport.abort()

    def _read(self, message: frames.FromEngine | frames.Control) -> None:
        if isinstance(message, frames.Control):
            self.wire.obey(message)
            self.put(frames.encode(frames.Done()))
            self._flush()
        elif isinstance(message, frames.Hello):
            self._greet(message)
        elif self.board is None or self.port is None:
            self.refuse("An engine has to say hello first.")
        elif isinstance(message, frames.Rekeyed):
            self.wire.rekey(self.board, message.key)
        else:
            _hand_on(self.board, self.port, message)

    def _greet(self, hello: frames.Hello) -> None:
        if self.board is not None:
            self.refuse("An engine says hello once.")
            return
        self._in_time()
        board = self.wire.board(hello.key)
        port = Port(hello.node_id, hello.pid, frozenset(hello.nodes), self.put)
        board.attach(port, hello.sequence)
        self.board, self.port = board, port

    def _within(self, timeout_s: float) -> None:
        """Hang up unless `_in_time` is called before."""
        self._in_time()
        assert self._transport is not None
        self._deadline = asyncio.get_running_loop().call_later(timeout_s, self._transport.abort)

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _hand_on(board: Switchboard, port: Port, message: frames.FromEngine) -> None:
    match message:
        case frames.Join(group):
            board.join(port, group)
        case frames.Leave(group):
            board.leave(port, group)
        case frames.Send(group, payload):
            board.send(port, group, payload)
        case frames.Reload(version):
            board.reload(port, version)
        case frames.Configured(nodes):
            board.configured(port, nodes)


def _is_ours(transport: asyncio.Transport) -> bool:
    """Only root and the user the wire runs as may connect."""
    connection = transport.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (0, os.getuid())
