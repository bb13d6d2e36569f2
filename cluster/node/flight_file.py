"""Where a node keeps its own events between lives of its daemon: two bounded text files, one event a line.

The newer file becomes the older one when it is full. It may be lost or end in half a line; what can be read is read,
and nothing waits for the disk.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cluster.flight.recorded import Recorded, is_sound

FILE_BYTES_MAX = 384 << 10  # of each of the two

log = logging.getLogger(__name__)
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Recorded)


class FlightFile:
    """`<folder>/events` and `<folder>/events.1`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._newer, self._older = folder, folder / "events", folder / "events.1"

    def read(self) -> list[Recorded]:
        """Oldest first."""
        return [event for path in (self._older, self._newer) for event in _read(path)]

    def append(self, events: Sequence[Recorded]) -> None:
        """Never raises: a node that cannot write this down goes on."""
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self._newer, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o640)
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"".join(b"\n" + _encoder.encode(event) for event in events))
                size = file.tell()
            if size > FILE_BYTES_MAX:
                self._newer.replace(self._older)
        except OSError as error:
            log.warning("Events are not written down: %s.", error.strerror)


def _read(path: Path) -> list[Recorded]:
    try:
        lines = path.read_bytes()[-2 * FILE_BYTES_MAX :].split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            event = _decoder.decode(line)
        except (msgspec.DecodeError, ValueError):
            continue  # half a line, from when the power went
        if is_sound(event):
            found.append(event)
    return found
