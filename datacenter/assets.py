"""Static files, served from memory: read once, bundled, compressed, and kept by browsers until one of them changes.

Every address carries a digest over all files, so that an upgrade is seen at once, relative addresses between files
work, and nothing has to be collected beforehand. Our files are in `static/`; htmx comes from the django-htmx package.
What script/setup made smaller (`static/vendor/quire.js` and `.css`) is sent while it is of the files that are here.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import django_htmx
from django.conf import settings

from datacenter.headers import SECURITY_HEADERS

Message = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]  # ASGI: scope, receive, send

HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx"
SCRIPTS = (HTMX / "htmx-2.min.js", HTMX / "ext" / "hx-ws-2.min.js")
STYLES = "css/quire.css"  # names all style sheets, in their order
IMPORT = re.compile(r'^@import "([^"]+)";$', re.MULTILINE)
WHOLE = "vendor/quire.js"  # all modules as one script
MADE, MADE_OF = (WHOLE, "vendor/quire.css"), "vendor/.quire"  # and the digest of what they were made of
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
AT_ONCE = re.compile(r'^import "\./([^"]+)";$', re.MULTILINE)
FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    compressed: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Library:
    """All files by name, and the digest over them."""

    assets: dict[str, Asset]
    release: str


@cache
def library() -> Library:
    folder = Path(settings.STATIC_DIR)
    made = _is_made_of_these(folder)
    sources = {**_bundles(folder, made), **_files(folder, made)}
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    assets = {name: _asset(name, body) for name, body in sources.items()}
    return Library(assets, digest.hexdigest()[:12])


def address_of(name: str) -> str:
    known = library()
    if name not in known.assets:
        raise LookupError(f"there is no static file {name}")
    return f"{settings.STATIC_URL}{known.release}/{name}"


class StaticFiles:
    """An ASGI layer: answers below STATIC_URL, hands everything else on."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Message, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(settings.STATIC_URL):
            await self.inner(scope, receive, send)
            return
        if settings.DEBUG:
            library.cache_clear()
        status, headers, body = answer(scope["method"], scope["path"], _accepts_gzip(scope["headers"]))
        pairs = [(name.lower().encode(), value.encode()) for name, value in {**SECURITY_HEADERS, **headers}.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def answer(method: str, path: str, accepts_gzip: bool) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for a static file's address."""
    if method not in ("GET", "HEAD"):
        return 405, {"Allow": "GET, HEAD", "Content-Length": "0"}, b""
    release, _, name = path.removeprefix(settings.STATIC_URL).partition("/")
    known = library()
    asset = known.assets.get(name)
    if asset is None:
        return 404, {"Content-Length": "0", "Cache-Control": "no-store"}, b""
    body = asset.compressed if accepts_gzip and asset.compressed else asset.body
    headers = {
        "Content-Type": asset.content_type,
        "Content-Length": str(len(body)),
        # A page from before an upgrade still gets its files, but nobody keeps them under the old address.
        "Cache-Control": FOR_A_YEAR if release == known.release else "no-store",
        "Vary": "Accept-Encoding",
    }
    return 200, headers | ({"Content-Encoding": "gzip"} if body is asset.compressed else {}), body


def style_sheets() -> list[Path]:
    folder = Path(settings.STATIC_DIR)
    return [folder / "css" / name for name in IMPORT.findall((folder / STYLES).read_text(encoding="utf-8"))]


def page_scripts() -> tuple[str, ...]:
    """The modules of a page, the one that starts the others first; one script where there is one for all of them."""
    known = library().assets
    if WHOLE in known:
        return (WHOLE,)
    ahead = AT_ONCE.findall(known["js/app.js"].body.decode())
    return ("js/app.js", *(f"js/{name}" for name in ahead))


def _bundles(folder: Path, made: bool) -> dict[str, bytes]:
    styles = [folder / MADE[1]] if made else style_sheets()
    return {
        "htmx.js": b"\n".join(path.read_bytes() for path in SCRIPTS),
        "quire.css": b"\n".join(path.read_bytes() for path in styles),
    }


def _files(folder: Path, made: bool) -> dict[str, bytes]:
    """What browsers ask for by name; style sheets only travel in their bundle."""
    paths = (path for path in sorted(folder.rglob("*")) if path.suffix in TYPES)
    found = (path for path in paths if path.suffix != ".css" or path.parent.name == "vendor")
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: path.read_bytes() for name, path in names.items() if name not in MADE or (made and name == WHOLE)}


def _is_made_of_these(folder: Path) -> bool:
    """As script/setup reckons it: a file that changed since is sent as it is, until the set-up runs again."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("js/*.js")), *sorted(folder.glob("css/*.css"))]:
        digest.update(path.read_bytes())
    made_of = folder / MADE_OF
    return made_of.is_file() and made_of.read_text().split()[:1] == [digest.hexdigest()]


def _asset(name: str, body: bytes) -> Asset:
    kind = Path(name).suffix
    compressed = b"" if kind == ".png" else gzip.compress(body, 9, mtime=0)
    return Asset(body, compressed, TYPES[kind])


def _accepts_gzip(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value.lower() for name, value in headers)
