"""A node of a simulated cluster as two processes, its daemon and its pages, to see what each of them costs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.node.access.passwords import prepare_hash
from demo.noise import TICKS_PER_S, used_ticks
from demo.visitor import ROOT, TRUSTING, Visited, eventually
from lab import processes

PASSWORD, STARTED_S = "correct horse", 120


@dataclass(frozen=True)
class Pair:
    """`node` speaks its API; `tag` is in the environment of both processes."""

    node: Visited
    daemon: int
    web: int
    tag: str

    def web_cpu_s(self) -> float:
        return used_ticks(self.web) / TICKS_PER_S


@contextlib.contextmanager
def pair(count: int, links: int, address: str, port: int = 8006) -> Iterator[Pair]:
    state = Path(tempfile.mkdtemp(prefix="quire-u"))
    tag = f"QUIRE_BENCH={state}"
    (state / "hash").write_text(prepare_hash(PASSWORD) + "\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
    environ |= {"QUIRE_BENCH": str(state), "QUIRE_STATE": str(state), "QUIRE_NAME": "alpha", "QUIRE_ADDRESS": address}
    environ |= {"QUIRE_PASSWORD_HASH_FILE": str(state / "hash"), "QUIRE_PORT": str(port)}

    def start(*words: str) -> int:
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL).pid

    try:
        daemon = start("runnode", "--engine", "simulated", "--simulated", str(count), "--simulated-links", str(links))
        web = start("runweb")
        url = f"https://{address}:{port}"
        eventually("the pages answer", lambda: answers(url), STARTED_S)
        socket = str(state / "control.sock")
        node = Visited("alpha", url, socket, [], daemon, [], "root@pam", PASSWORD)
        yield Pair(node.sign_in(), daemon, web, tag)
    finally:
        processes.end_tagged(tag, 5)
        shutil.rmtree(state, ignore_errors=True)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, context=TRUSTING, timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
