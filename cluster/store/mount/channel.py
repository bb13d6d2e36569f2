"""The device through which the kernel asks and is answered: mounting it, taking requests, replies and notices.

fusermount3 mounts and hands over the open device, to root and to others alike. Whose requests these are and what they
mean is not known here; the bytes are `protocol.py`, and who serves them is `serving.py`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import socket
import subprocess
from pathlib import Path

from cluster.errors import Unavailable
from cluster.store.mount import protocol

MOUNT_OPTIONS = "allow_other,default_permissions,nosuid,nodev,fsname=quire"
MOUNT_TIMEOUT_S = 10.0
GREETING_TIMEOUT_S = 5.0
BACKGROUND_MAX = 64
WANTED = (
    protocol.ASYNC_READ | protocol.ATOMIC_O_TRUNC | protocol.BIG_WRITES | protocol.AUTO_INVAL_DATA
    | protocol.DO_READDIRPLUS | protocol.READDIRPLUS_AUTO | protocol.PARALLEL_DIROPS | protocol.HANDLE_KILLPRIV
    | protocol.MAX_PAGES | protocol.CACHE_SYMLINKS | protocol.NO_OPENDIR_SUPPORT
)  # fmt: skip
# To wake this thread costs several times what answering does. So after an answer it looks for the next request this
# many times, some 30 us, before it sleeps.
LOOKS = 24
# What became of a request meanwhile, or that the file system is gone: nobody is left to hear the answer.
NOBODY_HEARS = (errno.ENOENT, errno.ENODEV, errno.EBADF, errno.ENOTCONN, errno.ECONNABORTED, errno.EPERM)

log = logging.getLogger(__name__)


class Channel:
    """The open device of one mounted file system. `receive` is for one thread, everything else for any."""

    def __init__(self, device: int) -> None:
        os.set_blocking(device, False)
        self._device = device
        self._bell = os.eventfd(0)
        self._waiting = select.poll()
        self._waiting.register(device, select.POLLIN)
        self._waiting.register(self._bell, select.POLLIN)
        self._buffer = bytearray(protocol.REQUEST_BYTES_MAX)
        self._buffers = [self._buffer]
        self._received = memoryview(self._buffer)

    def receive(self, looks: int = LOOKS) -> memoryview | None:
        """The next request, valid until the one after it; None when there will be no more."""
        while True:
            try:
                return self._received[: os.readv(self._device, self._buffers)]
            except BlockingIOError:
                if looks > 0:
                    looks -= 1
                elif any(fd == self._bell for fd, _ in self._waiting.poll()):
                    return None
            except OSError as error:
                if error.errno not in (errno.EINTR, errno.ENOENT):
                    return None

    def reply(self, unique: int, answer: bytes = b"", failure: int = 0) -> None:
        header = protocol.OUT_HEADER.pack(protocol.OUT_HEADER.size + len(answer), -failure, unique)
        self._send([header, answer])

    def notify(self, code: int, notice: bytes) -> None:
        """Tell the kernel. May wait for a process that waits for an answer: never call it where answers are given."""
        self._send([protocol.OUT_HEADER.pack(protocol.OUT_HEADER.size + len(notice), code, 0), notice])

    def _send(self, parts: list[bytes]) -> None:
        try:
            os.writev(self._device, parts)
        except OSError as error:
            if error.errno not in NOBODY_HEARS:
                log.warning("The kernel refused an answer or a notice: %s.", error)

    def greet(self) -> None:
        """Agree with the kernel on the protocol. Raises Unavailable."""
        if not self._waiting.poll(GREETING_TIMEOUT_S * 1000):
            raise Unavailable(f"The kernel did not begin to use the file system within {GREETING_TIMEOUT_S:.0f} s.")
        received = self.receive(0)
        if received is None:
            raise Unavailable("The kernel gave the file system up before it was used.")
        request = protocol.parse(received)
        major, minor, readahead, flags = protocol.INIT_IN.unpack_from(request.body)
        if request.opcode != protocol.INIT or major != protocol.MAJOR or minor < protocol.MINOR_MIN:
            self.reply(request.unique, failure=errno.EPROTO)
            raise Unavailable(
                f"The kernel speaks version {major}.{minor} of FUSE, and 7.{protocol.MINOR_MIN} is needed."
            )
        minor = min(minor, protocol.MINOR)
        self.reply(
            request.unique,
            protocol.INIT_OUT.pack(
                protocol.MAJOR, minor, readahead, flags & WANTED, BACKGROUND_MAX, BACKGROUND_MAX * 3 // 4,
                protocol.WRITE_BYTES_MAX, 1, protocol.PAGES_MAX, 0, 0,
            ),
        )  # fmt: skip

    def ring(self) -> None:
        """Have `receive` return None, also when it is waiting."""
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """After this whoever still waits for an answer is told that the file system is gone."""
        os.close(self._device)
        os.close(self._bell)


def mount(path: Path) -> Channel:
    """Mount a file system at a path. Raises Unavailable with the reason where that cannot be."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        environment = {**os.environ, "_FUSE_COMMFD": str(theirs.fileno())}
        try:
            done = subprocess.run(
                ["fusermount3", "-o", MOUNT_OPTIONS, "--", str(path)], env=environment, pass_fds=[theirs.fileno()],
                capture_output=True, text=True, timeout=MOUNT_TIMEOUT_S,
            )  # fmt: skip
        except FileNotFoundError:
            raise Unavailable("fusermount3 is missing; it is in Debian's package fuse3") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(f"fusermount3 did not end within {MOUNT_TIMEOUT_S:.0f} s") from None
        ours.setblocking(False)
        devices: list[int] = []
        with contextlib.suppress(BlockingIOError):
            _, devices, _, _ = socket.recv_fds(ours, 1, 1)
    if done.returncode or not devices:
        raise Unavailable(done.stderr.strip() or "fusermount3 handed over no device")
    return Channel(devices[0])
