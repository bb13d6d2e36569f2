"""Packets on corosync's own UDP ports, there and back: what passes between two hosts before corosync itself speaks.

A host without corosync listens on the port as corosync would. Where corosync has it, a raw socket hears what the
firewall let through and sends from the same port, so that both firewalls see what they will see later; corosync drops
what is not its own. Bounded: so many packets, a few seconds, only to the targets given; what is not marked with the
nonce is never answered, and answers are as long as what they answer. What is measured is judged in `cluster/core/`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cluster.core.survey import UDP_PORT
from cluster.node.link_facts import mtu_of
from cluster.workflow.surveyor import Exchange, Measured, Target

SENT_MAX, EVERY_S, LARGE_EVERY = 10, 0.06, 3
REPEATED_MAX, REPEAT_EVERY_S = 40, 0.15  # while a side that was asked later may not listen yet
COMPLETE_S = 3.0  # after the last packet
SIZE_MAX = 9000
MARK = b"Quire?"
PING, ECHO = 0, 1
_HEAD = struct.Struct("!6s16sBHB")  # mark, nonce, kind, number, large
_UDP = struct.Struct("!HHHH")
# linux/in.h and in6.h; Python has no names for them
_MTU_DISCOVER, _PROBE, _MTU_DISCOVER_6, _CHECKSUM_6 = 10, 3, 23, 7


class Line:
    """One of this host's addresses on one of corosync's ports, either as its owner or beside it. Raises OSError."""

    def __init__(self, link: int, address: str, hear: Callable[[int, str, bytes], None]) -> None:
        self.link, self.port, self._hear = link, UDP_PORT + link, hear
        self._six = ":" in address
        family = socket.AF_INET6 if self._six else socket.AF_INET
        try:
            self._socket, self._raw = socket.socket(family, socket.SOCK_DGRAM), False
            self._bind(address, self.port)
        except OSError as error:
            self._socket.close()
            if error.errno != errno.EADDRINUSE:
                raise
            self._socket, self._raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_UDP), True
            self._bind(address, 0)
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _bind(self, address: str, port: int) -> None:
        self._socket.setblocking(False)
        self._socket.bind((address, port))
        if self._six:
            self._socket.setsockopt(socket.IPPROTO_IPV6, _MTU_DISCOVER_6, _PROBE)
            if self._raw:
                self._socket.setsockopt(socket.IPPROTO_IPV6, _CHECKSUM_6, 6)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, _MTU_DISCOVER, _PROBE)

    def room(self, mtu: int) -> int:
        """How much of ours fits into a packet of so many bytes."""
        return mtu - (48 if self._six else 28)

    def send(self, address: str, payload: bytes) -> None:
        """Or not: a packet that the kernel does not take is a lost one."""
        if self._raw:
            payload = _UDP.pack(self.port, self.port, _UDP.size + len(payload), 0) + payload
        with contextlib.suppress(OSError):
            self._socket.sendto(payload, (address, 0 if self._raw else self.port))

    def _readable(self) -> None:
        for _ in range(64):
            try:
                packet, sender = self._socket.recvfrom(65535)
            except OSError:
                return
            payload = self._unpacked(packet) if self._raw else packet
            if payload.startswith(MARK):
                self._hear(self.link, str(sender[0]).partition("%")[0], payload)

    def _unpacked(self, packet: bytes) -> bytes:
        """An IPv4 packet comes with its header, an IPv6 one without."""
        start = 0 if self._six else (packet[0] & 15) * 4
        udp = packet[start:]
        if len(udp) < _UDP.size or _UDP.unpack_from(udp)[1] != self.port:
            return b""
        return udp[_UDP.size :]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


@dataclass
class _Tally:
    heard: bool = False
    sent: int = 0
    echoed: set[int] = field(default_factory=set)
    trips_ms: list[float] = field(default_factory=list)
    size: int = 0
    large_sent: bool = False
    large_echoed: bool = False


class PacketExchange:
    """See `cluster/workflow/surveyor.py`. With `patient` it goes on sending until it is left."""

    def __init__(self, nonce: bytes, own: Mapping[int, str], targets: Sequence[Target], patient: bool) -> None:
        self._nonce, self._patient = nonce, patient
        self._tallies = {target: _Tally() for target in targets}
        self._lines: dict[int, Line] = {}
        self._sizes: dict[int, int] = {}
        self._sent_s: dict[tuple[Target, int], float] = {}
        for link, address in own.items():
            with contextlib.suppress(OSError):  # measured() says that nobody could look
                self._lines[link] = Line(link, address, self._heard)
                self._sizes[link] = min(mtu_of(address) or 1500, SIZE_MAX)
        self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        if not self._lines:
            return
        for number in range(REPEATED_MAX if self._patient else SENT_MAX):
            for target in self._tallies:
                self._ping(target, number, large=number % LARGE_EVERY == LARGE_EVERY - 1)
            await asyncio.sleep(REPEAT_EVERY_S if self._patient else EVERY_S)

    def _ping(self, target: Target, number: int, large: bool) -> None:
        line, tally = self._lines.get(target[0]), self._tallies[target]
        if line is None:
            return
        head = _HEAD.pack(MARK, self._nonce, PING, number, 0)
        tally.sent += 1
        self._sent_s[target, number] = time.monotonic()
        line.send(target[1], head)
        if large:
            tally.size, tally.large_sent = self._sizes[target[0]], True
            line.send(target[1], _HEAD.pack(MARK, self._nonce, PING, number, 1).ljust(line.room(tally.size), b"\0"))

    def _heard(self, link: int, address: str, payload: bytes) -> None:
        if len(payload) < _HEAD.size:
            return
        _, nonce, kind, number, large = _HEAD.unpack_from(payload)
        tally, line = self._tallies.get((link, address)), self._lines.get(link)
        if nonce != self._nonce or tally is None or line is None:
            return
        tally.heard = True
        if kind == PING:
            line.send(address, _HEAD.pack(MARK, nonce, ECHO, number, large) + payload[_HEAD.size :])
        elif large:
            tally.large_echoed = True
        elif ((link, address), number) in self._sent_s and number not in tally.echoed:
            tally.echoed.add(number)
            tally.trips_ms.append((time.monotonic() - self._sent_s[(link, address), number]) * 1000)

    async def complete(self) -> None:
        await asyncio.wait({self._sending})
        until_s = time.monotonic() + COMPLETE_S
        while time.monotonic() < until_s and not self._is_whole():  # noqa: ASYNC110
            await asyncio.sleep(EVERY_S)

    def _is_whole(self) -> bool:
        looked_at = [tally for (link, _), tally in self._tallies.items() if link in self._lines]
        return all(len(tally.echoed) >= tally.sent and tally.large_echoed for tally in looked_at)

    def measured(self, link: int, address: str) -> Measured | None:
        tally = self._tallies.get((link, address))
        if tally is None or link not in self._lines:
            return None
        trips = sorted(tally.trips_ms)
        answers = bool(tally.echoed)
        return Measured(
            tally.heard, tally.sent, len(tally.echoed), trips[len(trips) // 2] if trips else None, tally.size,
            tally.large_echoed if answers and tally.large_sent else None,
        )  # fmt: skip

    async def close(self) -> None:
        self._sending.cancel()
        await asyncio.wait({self._sending})
        for line in self._lines.values():
            line.close()


@contextlib.asynccontextmanager
async def exchanging(
    nonce: bytes, own: Mapping[int, str], targets: Sequence[Target], patient: bool
) -> AsyncIterator[Exchange]:
    exchange = PacketExchange(nonce, own, targets, patient)
    try:
        yield exchange
    finally:
        await exchange.close()
