"""A node as three services that can be restarted apart: its daemon over a simulated cluster, its pages, and Redis."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from cluster.control import requests
from cluster.control.blocking import BlockingClient
from cluster.errors import QuireError
from demo.visitor import TRUSTING, eventually
from tests import redis_server
from tests.browser.site import ROOT
from tests.datacenter.fake_daemon import PASSWORD
from tests.places import own_port

ADDRESS = "127.0.0.1"
STARTED_S, STOPPED_S = 60, 30


class Services:
    """`stop` and `start` take one of `daemon`, `web` and `redis`, or `whole` for a node without Redis; `start` returns
    once it answers."""

    def __init__(self, folder: Path, simulated: int = 4) -> None:
        self.folder, self.port = folder, own_port()
        self.url = f"https://{ADDRESS}:{self.port}"
        (folder / "hash").write_text(PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD))
        redis_url = f"unix://{folder / 'redis.sock'}"
        node = ["--state", str(folder), "--name", "alpha", "--address", ADDRESS, "--port", str(self.port)]
        manage = [sys.executable, str(ROOT / "manage.py")]
        self._commands = {
            "redis": redis_server.command(folder, folder / "redis.sock"),
            "daemon": [*manage, "runnode", *node, "--engine", "simulated", "--simulated", str(simulated),
                       "--password-hash-file", str(folder / "hash"), "--redis-url", redis_url],
            "web": [*manage, "runweb", *node, "--redis-url", redis_url],
            "whole": [*manage, "runnode", *node, "--engine", "simulated", "--simulated", str(simulated), "--web",
                      "--password-hash-file", str(folder / "hash")],
        }  # fmt: skip
        self._answers = {"redis": self._redis_answers, "daemon": self._daemon_answers, "web": self._web_answers,
                         "whole": self._web_answers}  # fmt: skip
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("QUIRE_")}
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(self._commands[name], cwd=ROOT, env=environ, stdout=log, stderr=log)
        eventually(f"{name} answers", self._answers[name], STARTED_S)

    def stop(self, name: str) -> None:
        """As a crash would: nothing is said beforehand."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(STOPPED_S)

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = BlockingClient(self.folder / "control.sock").call(requests.Status())
        return told

    def _redis_answers(self) -> bool:
        asked = ["redis-cli", "-s", str(self.folder / "redis.sock"), "ping"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip() == "PONG"

    def _daemon_answers(self) -> bool:
        try:
            return bool(self.status())
        except (QuireError, OSError):
            return False

    def _web_answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, context=TRUSTING, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def services(folder: Path) -> Iterator[Services]:
    running = Services(folder)
    try:
        for name in ("redis", "daemon", "web"):
            running.start(name)
        yield running
    finally:
        for name in list(running._running):
            running.stop(name)
