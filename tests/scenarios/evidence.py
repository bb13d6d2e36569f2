"""What a node holds, byte for byte, so that a test can say that a refusal left no trace.

Read with root's eyes: the files corosync reads, and the whole tree through the control socket.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from cluster.access import sessions
from cluster.control import requests
from cluster.control.blocking import BlockingClient
from demo.visitor import Visit, Visited


@dataclass(frozen=True)
class Evidence:
    """The configuration and key corosync would read (None: no such file), and every file of the tree but who is signed
    in: that a joiner signed in on its peer is true whatever becomes of the join."""

    configuration: bytes | None
    key: bytes | None
    tree: dict[str, bytes]


def ask(node: Visited, request: requests.Request) -> Any:
    return BlockingClient(node.socket).call(request, timeout_s=20)


def tree_of(node: Visited, folder: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in ask(node, requests.StoreList(folder)):
        path = f"{folder}/{entry['name']}".lstrip("/")
        if entry["type"] == "dir":
            found |= tree_of(node, path)
        else:
            found[path] = ask(node, requests.StoreRead(path))["data"]
    return found


def evidence(visit: Visit, node: Visited) -> Evidence:
    folder = "/etc/corosync" if node.enter else str(visit.state / node.name / "corosync")
    return Evidence(
        configuration=content(node, f"{folder}/corosync.conf"),
        key=content(node, f"{folder}/authkey"),
        tree={path: data for path, data in tree_of(node).items() if path != sessions.PATH},
    )


def content(node: Visited, path: str) -> bytes | None:
    ran = node.command("base64", path)
    if ran.returncode:
        assert "No such file" in ran.stderr, ran.stderr
        return None
    return base64.b64decode(ran.stdout)
