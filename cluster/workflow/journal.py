"""What a workflow has begun, on disk before it begins it: enough to take everything back after `kill -9`.

One small file, replaced atomically, readable by root only. It holds no secret but the token that takes an addition
back on the peer. What the entries mean is the workflows' business; who reads them at start is `resume.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from cluster.errors import Unavailable


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """One workflow under way. `begun` lists its steps in order; `facts` is all its undoing may use.

    `state`: `begun` is to be taken back; `complete` has passed that point, only finishing steps were left; `remainder`
    is taken back here, and only another node still has to be told.
    """

    workflow: str
    upid: str
    user: str
    facts: dict[str, str] = {}
    begun: list[str] = []
    state: Literal["begun", "complete", "remainder"] = "begun"
    version: int = 1


class Journal:
    """The file `<state>/workflow.json`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Record | None:
        """The unfinished workflow, None when there is none. Raises Unavailable when the file cannot be understood."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(f"The record of an unfinished workflow, {self._path}, cannot be read.") from error

    def write(self, record: Record) -> None:
        """Durable when it returns. Raises Unavailable."""
        replace_durably(self._path, msgspec.json.encode(record))

    def clear(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be removed: {error.strerror}.") from error


def replace_durably(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 so that after a crash it is either the old or the new one. Raises Unavailable."""
    temporary = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
