"""Where tasks are written down: one log file each, an index of the finished ones, a list of the running ones.

The layout is Proxmox VE's (`<last hex digit of the start time>/<UPID>`, `index`, `active`). Every line is made safe for
a terminal and a page before it is written. Which task runs, and what a line means, is `tasks.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster.errors import InvalidInput, Unavailable
from cluster.node.upid import Upid, parse_upid

LINE_LENGTH_MAX = 4096  # characters
INDEX_SIZE_MAX = 50_000  # bytes, then it becomes index.1
_ENDINGS = ("TASK OK", "TASK ERROR: ", "TASK WARNINGS: ")


def one_safe_line(text: str) -> str:
    """`text` as one line: what does not print (escape sequences, line ends, marks that reverse text) is spelled out."""
    shortened = text if len(text) <= LINE_LENGTH_MAX else text[: LINE_LENGTH_MAX - 1] + "…"
    if shortened.isprintable():
        return shortened
    spelled = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shortened)
    return "".join(spelled)


class TaskFiles:
    """The files below `<state>/tasks`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            root.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder of the task logs cannot be made: {error.strerror}.") from error

    def path(self, upid: Upid) -> Path:
        return self._root / f"{upid.start_time_s:08X}"[-1] / str(upid)

    def append(self, upid: Upid, lines: Iterable[str]) -> None:
        """Add lines that are already safe. Raises Unavailable."""
        text = "".join(line + "\n" for line in lines)
        path = self.path(upid)
        try:
            path.parent.mkdir(mode=0o750, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o640)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise Unavailable(f"The log of a task cannot be written: {error.strerror}.") from error

    def lines(self, upid: Upid) -> list[str]:
        try:
            return self.path(upid).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def retitle(self, former: str, name: str) -> None:
        """The tasks of a node that has another name are under that one. Raises Unavailable."""
        old, new = f"UPID:{former}:", f"UPID:{name}:"
        try:
            for path in self._root.glob(f"?/{old}*"):
                path.rename(path.with_name(new + path.name.removeprefix(old)))
            for index in ("index.1", "index", "active"):
                lines = [new + line.removeprefix(old) if line.startswith(old) else line for line in self._read(index)]
                if lines:
                    temporary = self._root / f"{index}.tmp"
                    temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                    temporary.replace(self._root / index)
        except OSError as error:
            raise Unavailable(f"The tasks cannot be put under the new name: {error.strerror}.") from error

    def remove(self, upid: Upid) -> None:
        self.path(upid).unlink(missing_ok=True)

    # --- finished tasks -----------------------------------------------------------------------------------------------

    def finished(self) -> Iterator[tuple[Upid, int, str]]:
        """(UPID, end time, status) in the order they ended. A task concluded twice comes twice, the last one counts."""
        for name in ("index.1", "index"):
            for line in self._read(name):
                text, _, rest = line.partition(" ")
                end, _, status = rest.partition(" ")
                try:
                    yield parse_upid(text), int(end, 16), status
                except (InvalidInput, ValueError):
                    continue  # a line half written when the power went

    def add_finished(self, upid: Upid, end_time_s: int, status: str) -> None:
        index = self._root / "index"
        try:
            if index.exists() and index.stat().st_size > INDEX_SIZE_MAX:
                index.replace(self._root / "index.1")
            with index.open("a", encoding="utf-8") as file:
                file.write(f"{upid} {end_time_s:08X} {status}\n")
        except OSError as error:
            raise Unavailable(f"The index of the tasks cannot be written: {error.strerror}.") from error

    # --- running tasks ------------------------------------------------------------------------------------------------

    def running(self) -> list[Upid]:
        """The tasks that were running when this was last written."""
        found = []
        for line in self._read("active"):
            try:
                found.append(parse_upid(line.partition(" ")[0]))
            except InvalidInput:
                continue
        return found

    def set_running(self, upids: Iterable[Upid]) -> None:
        temporary = self._root / "active.tmp"
        try:
            temporary.write_text("".join(f"{upid} 0\n" for upid in upids), encoding="utf-8")
            temporary.replace(self._root / "active")
        except OSError as error:
            raise Unavailable(f"The list of running tasks cannot be written: {error.strerror}.") from error

    def _read(self, name: str) -> list[str]:
        try:
            return (self._root / name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []


def is_ended(lines: list[str]) -> bool:
    return bool(lines) and lines[-1].startswith(_ENDINGS)
