"""What this host's own files say of its time, its name servers and its names; in the API's shape.

Read anew each time: they are small, and people edit them.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from cluster.errors import Unavailable

ETC = Path("/etc")
NAME_SERVERS_MAX = 3
FILE_BYTES_MAX = 1 << 20


def clock(etc: Path = ETC) -> dict[str, Any]:
    now_s = int(time.time())
    time.tzset()  # the zone may have been changed since the process began
    return {"time": now_s, "localtime": now_s + time.localtime(now_s).tm_gmtoff, "timezone": _zone(etc)}


def dns(etc: Path = ETC) -> dict[str, str]:
    found: dict[str, str] = {}
    servers = 0
    for line in _read(etc / "resolv.conf").splitlines():
        key, _, value = line.strip().partition(" ")
        if key in ("search", "domain") and value.strip():
            found["search"] = value.strip()
        elif key == "nameserver" and value.strip() and servers < NAME_SERVERS_MAX:
            servers += 1
            found[f"dns{servers}"] = value.strip()
    return found


def names(etc: Path = ETC) -> dict[str, str]:
    text = _read(etc / "hosts")
    return {"data": text, "digest": hashlib.sha1(text.encode("utf-8", "surrogateescape")).hexdigest()}


def _zone(etc: Path) -> str:
    _, found, name = os.path.realpath(etc / "localtime").partition("/zoneinfo/")
    if found:
        return name
    try:
        return (etc / "timezone").read_text().strip() or "UTC"
    except OSError:
        return "UTC"


def _read(path: Path) -> str:
    """Raises Unavailable."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from None
