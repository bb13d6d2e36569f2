"""The peer: an etcd of three members, one in each measured node, on the same disks and the same links."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab import processes

CLIENTS, PEERS = 23790, 23800
READY_S = 30.0
STOP_S = 5.0


def available() -> bool:
    return shutil.which("etcd") is not None


@contextlib.contextmanager
def etcd(
    enter: Mapping[str, Sequence[str]], addresses: Mapping[str, str], folders: Mapping[str, Path]
) -> Iterator[int]:
    """Runs one member per node with default settings; yields the port where each answers on its own 127.0.0.1."""
    initial = ",".join(f"{name}=http://{address}:{PEERS}" for name, address in addresses.items())
    members = []
    try:
        for name, address in addresses.items():
            folders[name].mkdir(parents=True)
            with open(folders[name].with_suffix(".log"), "wb") as log:
                # fmt: off
                command = [
                    *enter[name], "etcd", "--name", name, "--data-dir", str(folders[name]),
                    "--listen-client-urls", f"http://127.0.0.1:{CLIENTS},http://{address}:{CLIENTS}",
                    "--advertise-client-urls", f"http://{address}:{CLIENTS}",
                    "--listen-peer-urls", f"http://{address}:{PEERS}",
                    "--initial-advertise-peer-urls", f"http://{address}:{PEERS}",
                    "--initial-cluster", initial, "--initial-cluster-state", "new",
                ]
                # fmt: on
                members.append(
                    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
                )
        for address in addresses.values():
            wait_healthy(f"http://{address}:{CLIENTS}/health")
        yield CLIENTS
    finally:
        for member in members:
            end(member)


def wait_healthy(url: str) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=2) as answer:
            if json.load(answer).get("health") in ("true", True):
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"etcd does not answer at {url}")
        time.sleep(0.1)


def end(member: subprocess.Popen[bytes]) -> None:
    """`nsenter` waits for its one child, the member; that one is ended, and nsenter follows."""
    for pid in processes.children(member.pid) or [member.pid]:
        with contextlib.suppress(ProcessLookupError):
            subprocess.run(["kill", "-TERM", str(pid)], check=False, timeout=5, stderr=subprocess.DEVNULL)
    try:
        member.wait(STOP_S)
    except subprocess.TimeoutExpired:
        for pid in [*processes.children(member.pid), member.pid]:
            subprocess.run(["kill", "-KILL", str(pid)], check=False, timeout=5, stderr=subprocess.DEVNULL)
        member.wait(STOP_S)
