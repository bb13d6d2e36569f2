"""A websocket client of a few lines, for tests that need to be ruder than a library allows (RFC 6455)."""

from __future__ import annotations

import base64
import os
import ssl
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL, MASKED = 0x80, 0x80


class WebSocketLine:
    """One connection, upgraded when it is made; `status` is the answer's status."""

    def __init__(self, line: ssl.SSLSocket, path: str = "/live", cookie: str = "a=b") -> None:
        self.line = line
        self._received = b""
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: https://a\r\nCookie: {cookie}\r\n\r\n"
        )
        line.sendall(request.encode())
        while b"\r\n\r\n" not in self._received:
            self._received += line.recv(4096)
        self.head, _, self._received = self._received.partition(b"\r\n\r\n")
        self.status = int(self.head.split()[1])

    def send(self, data: bytes, kind: int = TEXT, final: bool = True) -> None:
        if len(data) < 126:
            length = struct.pack("!B", MASKED | len(data))
        elif len(data) < 1 << 16:
            length = struct.pack("!BH", MASKED | 126, len(data))
        else:
            length = struct.pack("!BQ", MASKED | 127, len(data))
        mask = b"\0\0\0\0"  # all zeros: the content goes as it is
        self.line.sendall(bytes([(FINAL if final else 0) | kind]) + length + mask + data)

    def receive(self) -> tuple[int, bytes]:
        """The next frame's kind and content."""
        first, second = self._take(2)
        length = second & 0x7F
        if length >= 126:
            (length,) = struct.unpack("!H" if length == 126 else "!Q", self._take(2 if length == 126 else 8))
        return first & 0x0F, self._take(length)

    def closed_with(self) -> int:
        """Read on until the other side closes; the code it gives."""
        while True:
            kind, content = self.receive()
            if kind == CLOSE:
                return int(struct.unpack("!H", content[:2])[0])

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            part = self.line.recv(65536)
            if not part:
                raise ConnectionError("the other side is gone")
            self._received += part
        taken, self._received = self._received[:count], self._received[count:]
        return taken
