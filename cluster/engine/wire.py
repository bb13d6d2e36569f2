"""The wire: the small process through which loopback engines on one machine hear each other, over a Unix socket.

`python -m cluster.engine.wire PATH` starts one unless one serves PATH already (a lock on PATH.lock decides), returns
once it listens, and leaves it running on its own; it ends by itself shortly after the last engine left. Engines start
it on demand. With `--split 1/2,3`, `--heal`, `--drop 2` or `--end` it tells the running wire to do so. It keeps no
state and knows nothing of what it carries; its inside is `wire_server.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import fcntl
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path

from cluster.engine import wire_frames as frames
from cluster.engine.wire_server import Line, Wire
from cluster.errors import Unavailable


def serve(path: Path) -> int:
    """Start a wire at this path in a process of its own, or find that one is there. Returns an exit status."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    listener = _listen(path)
    if os.fork() == 0:  # the lock and the listener go on in the child
        _detach()
        asyncio.run(_serve(listener, path))
    return 0


def _listen(path: Path) -> socket.socket:
    """The lock is held: a socket at this path is one that a killed wire left behind."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "there is something else in the place of the wire's socket", str(path))
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(previous)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def _detach() -> None:
    with contextlib.suppress(PermissionError):  # started by hand, it may already lead its session
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


async def _serve(listener: socket.socket, path: Path) -> None:
    loop = asyncio.get_running_loop()
    wire = Wire()
    loop.add_signal_handler(signal.SIGTERM, wire.end)
    server = await loop.create_unix_server(lambda: Line(wire), sock=listener)
    await wire.ended
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    server.close()


# --- telling the running wire -----------------------------------------------------------------------------------------


def control(path: Path, message: frames.Control, timeout_s: float = 5.0) -> None:
    """Have the wire do this; returns when it did. Blocks. Raises `Unavailable`."""
    deadline_s = time.monotonic() + timeout_s
    reader = frames.Reader()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(os.fspath(path))
            connection.sendall(frames.encode(message))
            while time.monotonic() < deadline_s and (data := connection.recv(4096)):
                if any(isinstance(frames.read_at_engine(body), frames.Done) for body in reader.feed(data)):
                    return
    except OSError as error:
        raise Unavailable(f"There is no wire at {path}: {error.strerror or error}.") from None
    raise Unavailable(f"The wire at {path} did not answer.")


def end(path: Path, timeout_s: float = 5.0) -> None:
    """End the wire, if there is one, and return when its process has let go. Blocks. Raises `Unavailable`."""
    with contextlib.suppress(Unavailable):
        control(path, frames.End(), timeout_s)
    if not Path(f"{path}.lock").exists():
        return
    deadline_s = time.monotonic() + timeout_s
    with open(f"{path}.lock", "rb+") as lock:
        while time.monotonic() < deadline_s:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.01)
    raise Unavailable(f"The wire at {path} does not end.")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m cluster.engine.wire", description=__doc__)
    parser.add_argument("path", type=Path, help="the Unix socket")
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument("--split", metavar="SIDES", help="node ids of each side, as in 1/2,3")
    wish.add_argument("--heal", action="store_true", help="undo the split")
    wish.add_argument("--drop", metavar="ID", type=int, help="hang up on this node")
    wish.add_argument("--end", action="store_true", help="end the wire")
    asked = parser.parse_args(arguments)
    path = asked.path.absolute()
    try:
        if asked.end:
            end(path)
        elif asked.split is not None:
            control(
                path, frames.Split([[int(node_id) for node_id in side.split(",")] for side in asked.split.split("/")])
            )
        elif asked.heal or asked.drop is not None:
            control(path, frames.Heal() if asked.heal else frames.Drop(asked.drop))
        else:
            return serve(path)
    except (OSError, ValueError, Unavailable) as error:
        print(f"wire: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
