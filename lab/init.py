"""Process 1 of a node: makes the node's own view of the machine, then reaps orphans until it is killed.

Started as `python -m lab.init BASE NODE`; returns once the node is ready, leaving process 1 behind. What it mounts is
seen in the node alone and vanishes with its last process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from lab import disks
from lab.hosts import Lab
from lab.kernel import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    MS_BIND,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    enter_netns,
    mount,
    unshare,
)
from lab.processes import started


def main(base: str, node: str) -> int:
    lab = Lab.at(base)
    enter_netns(lab.netns(node))
    unshare(CLONE_NEWPID)
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        make_view(lab, node)
        os.write(tell, b"1")
        os.close(tell)
        reap_until_killed()
    os.close(tell)
    if not os.read(ready, 1):
        return 1
    with open(f"{lab.folder(node)}/init.pid", "w", encoding="utf-8") as file:
        file.write(f"{pid} {started(pid)}")
    return 0


def make_view(lab: Lab, node: str) -> None:
    folder = lab.folder(node)
    os.chdir("/")
    unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for lower, name in (("/etc", "etc"), ("/var/lib", "varlib")):
        options = f"lowerdir={lower},upperdir={folder}/{name},workdir={folder}/{name}.work"
        mount("overlay", lower, "overlay", 0, options)
    if lab.disk_mib:
        disks.mount(lab.image(node), lab.disk(node))
    for path in lab.private:
        os.makedirs(path, exist_ok=True)
        os.makedirs(f"{lab.disk(node)}{path}", exist_ok=True)
        mount(f"{lab.disk(node)}{path}", path, None, MS_BIND)  # plain files, not through the overlay
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID, "mode=755")
    os.makedirs("/run/lock")
    mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID, "mode=1777")
    mount("proc", "/proc", "proc", MS_NOSUID)
    mount("sysfs", "/sys", "sysfs", MS_NOSUID)
    socket.sethostname(node)


def reap_until_killed() -> None:
    wanted = {signal.SIGCHLD, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if signal.sigwait(wanted) == signal.SIGTERM:
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
