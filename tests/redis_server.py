"""A Redis of a test's own, as a node's is: with the settings that Quire ships."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "datacenter/web/redis.conf"


def command(folder: Path, socket: Path | None = None, port: int = 0) -> list[str]:
    where = ["--unixsocket", str(socket)] if socket else ["--port", str(port)]
    return ["redis-server", str(SETTINGS), *where, "--dir", str(folder)]


def start(folder: Path, socket: Path | None = None, port: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(folder, socket, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
