"""Hundreds of live sockets that a bench opens and reads: when did the last of them hear of a change?"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import struct
import time
from urllib.parse import urlsplit

from demo.visitor import TRUSTING, Visited

MARK = re.compile(rb'data-change-number="(\d+)"[^>]*data-change-at="([\d.]+)"')
AT_ONCE = 20  # handshakes


class Crowd:
    """`heard[number]` is, of a change, when it happened and when each socket that is open heard of it."""

    def __init__(self, node: Visited) -> None:
        self._node = node
        self._cookie = "=".join(node.browser_cookie())
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.heard: dict[int, tuple[float, list[float]]] = {}

    async def listen(self, count: int, seconds: float) -> None:
        open_: asyncio.Semaphore = asyncio.Semaphore(0)
        reading = [asyncio.create_task(self._one(open_)) for _ in range(count)]
        try:
            for _ in range(count):
                async with asyncio.timeout(60):
                    await open_.acquire()
            self.heard.clear()
            await asyncio.sleep(seconds)
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)

    def last_ms(self, count: int) -> list[float]:
        """Of each change that all heard of: from its event to the last of them."""
        return [(max(when) - at_s) * 1000 for at_s, when in self.heard.values() if at_s and len(when) >= count]

    async def _one(self, open_: asyncio.Semaphore) -> None:
        async with self._turn:
            reader, writer = await self._upgraded()
        open_.release()
        taken = 0
        while True:
            content = await _frame(reader)
            now_s = time.time()
            for number, at_s in MARK.findall(content):
                self.heard.setdefault(int(number), (float(at_s), []))[1].append(now_s)
            taken += 1
            if taken % 8 == 0:
                writer.write(_text(b'{"seen": 8}'))

    async def _upgraded(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        at = urlsplit(self._node.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port, ssl=TRUSTING)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            "GET /live HTTP/1.1", f"Host: {at.netloc}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Origin: {self._node.url}",
            f"Cookie: {self._cookie}", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionError(head.decode(errors="replace"))
        return reader, writer


async def _frame(reader: asyncio.StreamReader) -> bytes:
    _, second = await reader.readexactly(2)
    length = second & 0x7F
    if length >= 126:
        (length,) = struct.unpack("!H" if length == 126 else "!Q", await reader.readexactly(2 if length == 126 else 8))
    return await reader.readexactly(length)


def _text(content: bytes) -> bytes:
    """A frame whose mask is all zeros: the content goes as it is."""
    return struct.pack("!BB", 0x81, 0x80 | len(content)) + b"\0\0\0\0" + content
