"""Runs a function of this very process as if it were on a node: its network, files and sockets are the node's.

For tests that want to call a library on a node and keep what it answers. The function runs in a thread that has
entered the node's namespaces, and so do the threads and processes it starts; process ids stay this machine's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from lab.hosts import Lab
from lab.kernel import CLONE_FS, LabError, enter_namespace, unshare

T = TypeVar("T")


def run_inside(lab: Lab, node: str, function: Callable[[], T], timeout_s: float = 60) -> T:
    """The result of `function()`, or what it raised."""
    init = lab.init_pid(node)
    if init is None:
        raise LabError(f"node {node} is off")
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            unshare(CLONE_FS)  # a thread that shares its folders with others may not change its view of files
            # Opened while /proc is still this machine's; the view of files goes last.
            for kind in ("net", "ipc", "uts", "mnt"):
                enter_namespace(f"/proc/{init}/ns/{kind}")
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name=f"inside {node}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise LabError(f"what runs inside {node} did not end within {timeout_s:g} s")
    if errors:
        raise errors[0]
    return results[0]
