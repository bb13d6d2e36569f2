"""How much of a task's log a page has been shown, so that what follows has no hole and no line twice. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LINES_MAX = 1000  # shown at once; the daemon keeps more
EMPTY = "no content"  # what the daemon says for a log without lines


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `number` counts from 1. `kind` is plain, warning, bad or good: the outcome and warnings stand out."""

    number: int
    text: str

    @property
    def kind(self) -> str:
        if self.text.startswith(("TASK ERROR", "ERROR")):
            return "bad"
        if self.text.startswith(("TASK WARNINGS", "WARN")):
            return "warning"
        return "good" if self.text == "TASK OK" else "plain"


class Shown:
    """What one page has been shown of one log."""

    def __init__(self, upid: str) -> None:
        self.upid = upid
        self.last = 0

    def filled_with(self, lines: list[Line]) -> bool:
        """The whole log, unless it was read before something that has been shown since: then False."""
        last = lines[-1].number if lines else 0
        if last < self.last:
            return False
        self.last = last
        return True

    def next_lines(self, first: int, texts: list[str]) -> list[Line] | None:
        """Those of the added lines that are new here; None when one before them is missing."""
        if first > self.last + 1:
            return None
        new = [Line(number, text) for number, text in enumerate(texts, first) if number > self.last]
        if new:
            self.last = new[-1].number
        return new


def read_log(result: dict[str, Any]) -> list[Line]:
    """The end of a log, from the result of the TaskLog request."""
    lines = [Line(int(line["n"]), str(line["t"])) for line in result["lines"]][-LINES_MAX:]
    return [] if [line.text for line in lines] == [EMPTY] else lines
