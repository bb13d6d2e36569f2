"""Gives answers their length and, where the client takes it and it is safe, gzip: an ASGI layer around the site.

An answer that carries a secret beside text a stranger can influence must not be compressed (its size would tell the
secret: BREACH). So HTML is only when whoever made it says that it holds none, beside an anti-forgery token that never
looks the same (`access/masks.py`), and then its size is blurred; other answers with a secret say `Cache-Control:
no-transform`. What is encoded already or comes in parts is left alone too.
"""

from __future__ import annotations

import gzip
import io
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Any, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

COMPRESS_FROM_BYTES = 1024
COMPRESS_LEVEL = 5  # pages are made per request; more effort costs more time than it saves
COMPRESSIBLE = (b"text/plain", b"text/css", b"application/json", b"application/javascript", b"image/svg+xml")
NO_BODY = (204, 304)
HOLDS_NO_SECRET = "Quire-Holds-No-Secret"  # said by a page to this layer, and not to the browser
BLUR_BYTES_MAX = 32


def with_bodies_finished(application: Application) -> Application:
    """The application, with the head of each answer held back until its first bytes tell whether they are all."""

    async def finished(scope: Message, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        accepts_gzip = b"gzip" in _header(scope["headers"], b"accept-encoding").lower()
        head: Message | None = None

        async def send_finished(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
                return
            if head is not None:
                start, head = head, None
                start, may_compress_page = _without_mark(start)
                if not message.get("more_body", False):
                    start, message = _whole(start, message, accepts_gzip, scope["method"], may_compress_page)
                await send(start)
            await send(message)

        await application(scope, receive, send_finished)

    return finished


def _without_mark(start: Message) -> tuple[Message, bool]:
    headers: Headers = list(start.get("headers", []))
    kept = [pair for pair in headers if pair[0].lower() != HOLDS_NO_SECRET.lower().encode()]
    return {**start, "headers": kept}, len(kept) < len(headers)


def _whole(
    start: Message, body: Message, accepts_gzip: bool, method: str, may_compress_page: bool
) -> tuple[Message, Message]:
    headers: Headers = [(name.lower(), value) for name, value in start.get("headers", [])]
    content = body.get("body", b"")
    if start["status"] in NO_BODY or method == "HEAD":
        return start, body
    if _may_compress(headers, content, may_compress_page):
        headers = [pair for pair in headers if pair[0] not in (b"content-length", b"vary")]
        headers.append((b"vary", _vary(start)))
        if accepts_gzip:
            content = _blurred(content) if may_compress_page else gzip.compress(content, COMPRESS_LEVEL, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(content)).encode()))
    return {**start, "headers": headers}, {**body, "body": content}


def _blurred(content: bytes) -> bytes:
    """Compressed, under a file name of random length: the same page is not surely of the same size."""
    name, packed = secrets.token_hex(secrets.randbelow(BLUR_BYTES_MAX) + 1), io.BytesIO()
    with gzip.GzipFile(name, "wb", COMPRESS_LEVEL, packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


def _may_compress(headers: Headers, content: bytes, may_compress_page: bool) -> bool:
    kinds = (*COMPRESSIBLE, b"text/html") if may_compress_page else COMPRESSIBLE
    return (
        len(content) > COMPRESS_FROM_BYTES
        and _header(headers, b"content-type").startswith(kinds)
        and not _header(headers, b"content-encoding")
        and b"no-transform" not in _header(headers, b"cache-control")
    )


def _vary(start: Message) -> bytes:
    before = _header([(name.lower(), value) for name, value in start.get("headers", [])], b"vary")
    return before + b", Accept-Encoding" if before else b"Accept-Encoding"


def _header(headers: Headers, name: bytes) -> bytes:
    return next((value for key, value in headers if key == name), b"")
