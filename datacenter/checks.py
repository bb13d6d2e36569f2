"""System checks: what would keep the site from working, said before it starts. Ids are stable: `quire.E001` and on."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

# What Django asks for by the name of its own middleware, and which of ours does it instead: docs/threat-model.md.
INSTEAD = {
    "security.W001": "datacenter.headers.SecurityHeadersMiddleware",
    "security.W002": "datacenter.headers.SecurityHeadersMiddleware",
    "security.W003": "datacenter.access.middleware.TicketMiddleware",
}
SOCKET_PATH_BYTES_MAX = 107  # sun_path of unix(7), without its end


@register
def socket_path_fits(**_: Any) -> list[CheckMessage]:
    if len(str(settings.QUIRE_SOCKET).encode()) <= SOCKET_PATH_BYTES_MAX:
        return []
    return [
        Error(
            f"QUIRE_SOCKET is longer than {SOCKET_PATH_BYTES_MAX} bytes.",
            hint="Choose a shorter path for the control socket, such as /run/quire/control.sock.",
            id="quire.E001",
        )
    ]


@register
def redis_address_is_one(**_: Any) -> list[CheckMessage]:
    address = settings.QUIRE_REDIS_URL
    if not address or urlsplit(address).scheme in ("redis", "rediss", "unix"):
        return []
    return [
        Error(
            "QUIRE_REDIS_URL is not the address of a Redis server.",
            hint="Write it as redis://127.0.0.1:6379/0 or unix:///run/redis/redis.sock.",
            id="quire.E002",
        )
    ]


@register
def static_files_are_here(**_: Any) -> list[CheckMessage]:
    from datacenter.assets import SCRIPTS, STYLES, style_sheets

    list_of_them = Path(settings.STATIC_DIR) / STYLES
    wanted = [*SCRIPTS, list_of_them, *(style_sheets() if list_of_them.is_file() else ())]
    missing = [path.name for path in wanted if not path.is_file()]
    if not missing:
        return []
    return [
        Error(
            f"Static files are missing: {', '.join(missing)}.",
            hint="Run script/setup; htmx comes with the django-htmx package.",
            id="quire.E003",
        )
    ]


@register
def debug_is_off(**_: Any) -> list[CheckMessage]:
    if not settings.DEBUG:
        return []
    return [
        Warning(
            "QUIRE_DEBUG is on: error pages show what is inside.",
            hint="Unset it on a node that others can reach.",
            id="quire.W001",
        )
    ]


@register
def origin_scheme_is_one(**_: Any) -> list[CheckMessage]:
    if settings.QUIRE_ORIGIN_SCHEME in ("https", "http"):
        return []
    return [
        Error(
            "QUIRE_ORIGIN_SCHEME is neither https nor http.",
            hint="Leave it unset: pages are served with TLS.",
            id="quire.E004",
        )
    ]


@register
def what_is_silenced_is_done_by_ours(**_: Any) -> list[CheckMessage]:
    silenced = set(settings.SILENCED_SYSTEM_CHECKS)
    undone = sorted(one for one in silenced if INSTEAD.get(one) not in settings.MIDDLEWARE)
    if not undone:
        return []
    return [
        Error(
            f"Checks are silenced, and nothing of this site does what they ask for: {', '.join(undone)}.",
            hint="Put the middleware that does it back into MIDDLEWARE, or silence nothing.",
            id="quire.E005",
        )
    ]
