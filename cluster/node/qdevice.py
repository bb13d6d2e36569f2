"""What corosync-qdevice says of itself, asked over its local socket: `status verbose`, lines of `key: value`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cluster.errors import Unavailable

SOCKET = Path("/var/run/corosync-qdevice/corosync-qdevice.sock")
TOLD = ("Algorithm", "Echo reply", "Last poll call", "Model", "QNetd host", "State", "Tie-breaker")
ANSWER_BYTES_MAX = 64 << 10
DEADLINE_S = 3.0


async def status(socket: Path = SOCKET) -> dict[str, str]:
    """Empty where no QDevice runs. Raises Unavailable when one does and cannot be asked."""
    if not socket.exists():
        return {}
    try:
        async with asyncio.timeout(DEADLINE_S):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"status verbose\n")
                await writer.drain()
                answer = b""
                while len(answer) < ANSWER_BYTES_MAX and (part := await reader.read(ANSWER_BYTES_MAX)):
                    answer += part
            finally:
                writer.close()
    except ConnectionRefusedError:
        return {}
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"corosync-qdevice cannot be asked: {type(error).__name__}.") from None
    return parse(answer.decode(errors="replace"))


def parse(text: str) -> dict[str, str]:
    """Lines that are indented belong to a list above them, and are not told."""
    pairs = (line.partition(":") for line in text.splitlines() if line[:1].strip())
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip() in TOLD}
