"""Who waits to read the newest state, and the round of questions that will let them: values and bounds, no decisions.

Whoever asks while a round is under way waits for the next one, because what was acknowledged after a round's question
went out is not covered by it. When a round is complete is decided in `reading.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WAITING_MAX = 4096


@dataclass(slots=True)
class Round:
    """One question to all members. `confirmed` is who answered, each with how far its log was on disk."""

    number: int
    epoch: int
    read_ids: tuple[str, ...]
    confirmed: dict[int, int] = field(default_factory=dict)

    def is_asked_by(self, epoch: int, number: int) -> bool:
        return (epoch, number) == (self.epoch, self.number)


class Reads:
    def __init__(self) -> None:
        self.round: Round | None = None
        self._waiting: dict[str, None] = {}  # in the order they came
        self._last_number = 0

    def __bool__(self) -> bool:
        return bool(self._waiting) or self.round is not None

    def accepts(self) -> bool:
        return len(self._waiting) < WAITING_MAX

    def add(self, read_id: str) -> None:
        self._waiting[read_id] = None

    def give_up(self, read_id: str) -> None:
        self._waiting.pop(read_id, None)

    def begin(self, epoch: int) -> Round | None:
        """A round for everybody who waits; None when nobody does, or one is under way."""
        if self.round is not None or not self._waiting:
            return None
        self._last_number += 1
        self.round = Round(self._last_number, epoch, tuple(self._waiting))
        self._waiting.clear()
        return self.round

    def start_again(self) -> None:
        """The round's question went out in an epoch that is over: those it was for wait for another one."""
        if self.round is not None:
            self._waiting = dict.fromkeys((*self.round.read_ids, *self._waiting))
            self.round = None

    def take_all(self) -> tuple[str, ...]:
        """Everybody; nobody waits afterwards."""
        self.start_again()
        everybody, self._waiting = tuple(self._waiting), {}
        return everybody
