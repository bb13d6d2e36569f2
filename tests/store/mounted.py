"""A mounted tree for tests, served by another process, with a way down that works when nothing else does.

A file system whose server hangs takes whoever touches it along. So a watchdog ends the server, then cuts the kernel's
connection to it through fusectl, before the test's own time is up.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = Path("/sys/fs/fuse/connections")
PATIENCE_S = 40.0


READER = "import sys\nfor line in sys.stdin: print(open(line[:-1], 'rb').read().hex(), flush=True)"


class Mounted:
    """`path` is the mount point; `ask` gives the server a command."""

    def __init__(self, path: Path, server: subprocess.Popen[str]) -> None:
        self.path, self.server = path, server

    def ask(self, *command: Any) -> Any:
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(command) + "\n")
        self.server.stdin.flush()
        line = self.server.stdout.readline()
        assert line, "the server of the mount has ended"
        return json.loads(line)

    def content(self, path: str) -> bytes | None:
        """What the store holds, not what the kernel shows."""
        data = self.ask("read", path)
        return None if data is None else data.encode("latin-1")

    def put(self, path: str, data: bytes) -> None:
        """A change made by another node."""
        self.ask("write", path, data.decode("latin-1"))

    def changes(self) -> list[list[str]]:
        """What was proposed through the mount since this was last asked: the operations of each change."""
        return [operations for _, operations in self.ask("proposed")]

    @contextlib.contextmanager
    def other_reader(self) -> Iterator[Callable[[Path], bytes]]:
        """What another process of this node reads. It runs already when a test opens a file: a child that is made
        later closes its copies of what is open, and a close is a flush."""
        with subprocess.Popen(
            [sys.executable, "-c", READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as reader:

            def read(path: Path) -> bytes:
                assert reader.stdin is not None and reader.stdout is not None
                print(path, file=reader.stdin, flush=True)
                return bytes.fromhex(reader.stdout.readline())

            yield read
            reader.communicate(timeout=10)

    def as_it_was(self) -> None:
        """Undo what a test told the server to be, for the next test on the same mount."""
        self.ask("hold", False)
        self.ask("fail", "")
        self.ask("writable", True)
        self.ask("proposed")
        self.ask("requests")

    def run(self, *argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """An ordinary tool, in the mount."""
        ran = subprocess.run(
            argv, cwd=options.pop("cwd", self.path), capture_output=True, text=True, timeout=30, **options
        )
        assert ran.returncode == 0, f"{argv[0]} ended with {ran.returncode}: {ran.stdout}{ran.stderr}"
        return ran


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[Mounted]:
    path.mkdir(parents=True, exist_ok=True)
    server = start(path)
    minor = 0
    watchdog = threading.Timer(PATIENCE_S, lambda: bring_down(server, path, minor))
    watchdog.daemon = True
    watchdog.start()
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline()) == "mounted"
        minor = os.minor(os.stat(path).st_dev)
        yield Mounted(path, server)
        with contextlib.suppress(BrokenPipeError):
            server.communicate(timeout=10)
    finally:
        watchdog.cancel()
        bring_down(server, path, minor)


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.mount_server", str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def bring_down(server: subprocess.Popen[str], path: Path, minor: int) -> None:
    """By every means, mildest first; each is harmless where the one before was enough."""
    if server.poll() is None:
        server.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(5)
    if server.poll() is None and minor:
        with contextlib.suppress(OSError):
            (CONNECTIONS / str(minor) / "abort").write_text("1")
    subprocess.run(["umount", "-l", str(path)], capture_output=True, timeout=10)
    server.wait(5)
    for pipe in (server.stdin, server.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
