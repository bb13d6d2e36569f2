"""The control socket for programs that do one thing and end: a plain socket, no event loop, little to import.

The command line starts with this, so it takes requests as plain data too (`{"method": "version"}`) and loads the types
of `requests.py` only for a caller that brings one. The asyncio face of the same socket is `client.py`.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterator, Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]

from cluster.control import failures
from cluster.control.framing import Deframer, frame
from cluster.errors import Forbidden, OutcomeUnknown, QuireError, Unavailable

if TYPE_CHECKING:
    from cluster.control.requests import Request

CALL_TIMEOUT_S = 10.0
# For whoever asks from a command line; pages say it without.
HINT = " Start it, or name the socket of the node with --socket or QUIRE_SOCKET."
RECEIVE_SIZE = 1 << 16
# The only request of a connection is number 1; 0 speaks of the connection itself.
NUMBER = 1


class BlockingClient:
    """Asks the daemon at `path`, one connection per question."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = fspath(path)

    def call(self, request: Request | Mapping[str, Any], timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """→ the result. Raises the `QuireError` the daemon raised; `Unavailable` when it is not there."""
        end_s = time.monotonic() + timeout_s
        plain = _plain(request)
        try:
            for told in self._conversation(plain, end_s):
                if "result" not in told:
                    raise Unavailable(f"The daemon of this node answered {plain['method']} with a stream.")
                return told["result"]
        except TimeoutError:
            raise unfinished(self.path, plain["method"], timeout_s, plain.get("request_id")) from None
        raise lost(self.path)

    def stream(self, request: Request | Mapping[str, Any], timeout_s: float | None = None) -> Iterator[Any]:
        """Items until the daemon ends the stream; `timeout_s` bounds the wait for all of them together."""
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        plain = _plain(request)
        try:
            for told in self._conversation(plain, end_s):
                if told.get("end"):
                    return
                yield told.get("item")
        except TimeoutError:
            raise unfinished(self.path, plain["method"], timeout_s or 0.0, None) from None
        raise lost(self.path)

    def _conversation(self, plain: Mapping[str, Any], end_s: float | None) -> Iterator[dict[str, Any]]:
        sent = frame(msgpack.packb({"id": NUMBER, "request": plain}))
        deframer = Deframer()
        with self._connected(end_s) as line:
            # Refused at the door? Then the words why are waiting to be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(sent)
            while received := self._received(line, end_s):
                for payload in deframer.feed(received):
                    yield _told(payload)

    def _connected(self, end_s: float | None) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(_left_s(end_s))
            line.connect(self.path)
        except OSError as error:
            line.close()
            if isinstance(error, TimeoutError):
                raise
            raise unreachable(self.path, error, HINT) from None
        return line

    def _received(self, line: socket.socket, end_s: float | None) -> bytes:
        line.settimeout(_left_s(end_s))
        try:
            return line.recv(RECEIVE_SIZE)
        except ConnectionResetError:
            return b""


# --- words both clients use -------------------------------------------------------------------------------------------


def unreachable(path: str, error: OSError, hint: str = "") -> QuireError:
    """Why nothing can be asked at this path."""
    if isinstance(error, PermissionError):
        return Forbidden(f"This user may not use the control socket {path}. Run the command as root.")
    if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
        return Unavailable(f"The daemon of this node does not answer at {path}. Is it running?{hint}")
    if error.errno == errno.EAGAIN:
        return Unavailable(f"The daemon of this node is too busy to answer at {path}. Try again in a moment.")
    return Unavailable(f"The control socket {path} cannot be used: {error.strerror or error}.")


def unfinished(path: str, method: str, timeout_s: float, request_id: str | None) -> QuireError:
    sentence = f"The daemon of this node did not answer {method} at {path} within {timeout_s:g} s."
    return OutcomeUnknown(sentence, request_id) if request_id else Unavailable(sentence)


def lost(path: str) -> QuireError:
    return Unavailable(f"The daemon of this node closed the connection at {path} before it had answered.")


def _plain(request: Request | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(request, Mapping):
        return request
    from cluster.control.protocol import plain_request

    return plain_request(request)


def _told(payload: bytes) -> dict[str, Any]:
    try:
        told = msgpack.unpackb(payload, strict_map_key=False)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Unavailable("The daemon of this node sent a message that cannot be read.")
    if "error" in told:
        raise failures.from_wire(told["error"])
    return told


def _left_s(end_s: float | None) -> float | None:
    if end_s is None:
        return None
    left_s = end_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
