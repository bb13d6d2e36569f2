"""The daemon's door for local programs: a Unix socket that only known users may use, and only within bounds.

Who connects is asked of the kernel (SO_PEERCRED), never of the client. Connections, requests under way, time and
queues are all bounded. What a request does is its handler's business (`cluster/node/handlers.py`); what one client is
told, and how slow it may be, is `conversation.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import struct
from collections.abc import Collection, Mapping
from pathlib import Path

from cluster.control import protocol
from cluster.control.conversation import Admission, Conversation, Handler, Handlers, StreamHandler
from cluster.control.requests import Request
from cluster.errors import Busy, Conflict, Forbidden, QuireError, Unavailable

__all__ = ["ControlServer", "Handler", "StreamHandler"]

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 256
BACKLOG = 128
REQUEST_TIMEOUT_S = 60.0
LINGER_S = 1.0
SOCKET_MODE = 0o660
DIRECTORY_MODE = 0o750
CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class ControlServer:
    """Serves `handlers` and `streams` at `path` to root, to the daemon's own user and to `allowed_uids`.

    `group_id`: the group that may open the socket, for a web process of another user. `admit` is asked before every
    request, and told whether the client may name a user on its own word: root may, and the daemon's own user.
    """

    def __init__(
        self,
        path: Path | str,
        handlers: Mapping[type[Request], Handler],
        streams: Mapping[type[Request], StreamHandler] | None = None,
        allowed_uids: Collection[int] = (),
        *,
        group_id: int | None = None,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        admit: Admission = lambda _request, _by, _trusted: None,
    ) -> None:
        self.path = Path(path)
        self._handlers = Handlers(dict(handlers), dict(streams or {}), request_timeout_s, admit)
        self._trusted_uids = frozenset({0, os.geteuid()})
        self._allowed_uids = self._trusted_uids | frozenset(allowed_uids)
        self._group_id = group_id
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._conversations: dict[asyncio.Task[None], Conversation] = {}
        self._refusals: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises `Conflict` when another daemon answers at the path, `Unavailable` when the socket cannot be made."""
        try:
            listener = await asyncio.to_thread(self._listen)
        except OSError as error:
            raise Unavailable(f"The control socket {self.path} cannot be made: {error.strerror or error}.") from error
        self._inode = self.path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._accepted, sock=listener, backlog=BACKLOG)

    async def stop(self) -> None:
        """No new connections; what is under way has a few seconds; then every line is cut. Twice is as good as once."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        with contextlib.suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        await asyncio.gather(*(conversation.wind_up() for conversation in self._conversations.values()))
        under_way = self._conversations.keys() | self._refusals
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way, timeout=LINGER_S)

    # --- the socket -----------------------------------------------------------------------------------------------

    def _listen(self) -> socket.socket:
        self._prepare_directory()
        self._remove_stale()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(self.path))
            # Nobody can connect before listen(), so there is no moment in which the mode is another one.
            os.chmod(self.path, SOCKET_MODE)
            if self._group_id is not None:
                os.chown(self.path, -1, self._group_id)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener

    def _prepare_directory(self) -> None:
        """A directory that is missing is made; one that is there is left as it is, for it may be anybody's."""
        folder = self.path.parent
        if not folder.exists():
            folder.mkdir(parents=True, mode=DIRECTORY_MODE)
            os.chmod(folder, DIRECTORY_MODE)
            if self._group_id is not None:
                os.chown(folder, -1, self._group_id)
        elif stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
            log.warning("The folder of the control socket, %s, is open to every user; 0750 is enough.", folder)

    def _remove_stale(self) -> None:
        """What a killed daemon left goes away, if it is a socket and nobody answers there."""
        try:
            if not stat.S_ISSOCK(self.path.lstat().st_mode):
                raise Conflict(f"{self.path} exists and is not a socket. Choose another path, or remove it.")
        except FileNotFoundError:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(LINGER_S)
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                self.path.unlink(missing_ok=True)
                return
            except OSError:
                pass  # somebody listens there and is too busy to answer
        raise Conflict(f"Another daemon answers at {self.path}. Stop it first, or choose another socket.")

    # --- connections ------------------------------------------------------------------------------------------------

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        user_id = _user_of(writer)
        refusal = self._refusal(user_id)
        try:
            if self._server is None or len(self._refusals) >= CONNECTIONS_MAX:
                return
            if refusal is not None:
                self._refusals.add(task)
                await _turn_away(reader, writer, refusal)
            else:
                self._conversations[task] = Conversation(reader, writer, self._handlers, user_id in self._trusted_uids)
                await self._conversations[task].run()
        except asyncio.CancelledError:
            pass  # the server stops; asyncio would log a cancelled connection as a fault
        finally:
            self._conversations.pop(task, None)
            self._refusals.discard(task)
            writer.transport.abort()

    def _refusal(self, user_id: int) -> QuireError | None:
        if user_id not in self._allowed_uids:
            log.warning("Refused a connection to the control socket from a process of user %d.", user_id)
            return Forbidden("This user may not speak to the daemon of this node. Run the command as root.")
        if len(self._conversations) >= CONNECTIONS_MAX:
            return Busy(f"The daemon serves {CONNECTIONS_MAX} connections already. Try again in a moment.")
        return None


def _user_of(writer: asyncio.StreamWriter) -> int:
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])


async def _turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, error: QuireError) -> None:
    """Say why, then wait a moment for the other side to read it: closing at once could overtake the words."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(LINGER_S):
            writer.write(protocol.error_frame(protocol.CONNECTION, error))
            writer.write_eof()
            while await reader.read(1 << 16):
                pass
