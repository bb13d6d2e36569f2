"""What is sent of alerts that are due in the same moment: one message for each kind of trouble. Pure.

How a message is carried is `cluster/node/alert_delivery.py`; when an alert is due, `dispatch.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from cluster.alerts.condition import Condition
from cluster.alerts.conditions import KINDS
from cluster.alerts.dispatch import Send

TOLD_MAX = 20  # sentences of a message


@dataclass(frozen=True, slots=True)
class Message:
    """Alerts of one kind that are all new, or all over."""

    sends: tuple[Send, ...]

    @property
    def word(self) -> str:
        return self.sends[0].word

    @property
    def first(self) -> Condition:
        return self.sends[0].condition

    @property
    def title(self) -> str:
        words = KINDS.get(self.first.kind, self.first.kind)
        return words if self.word == "raised" else f"Over: {words}"

    @property
    def text(self) -> str:
        """A line each, up to a number that can be read."""
        lines = [send.condition.sentence for send in self.sends[:TOLD_MAX]]
        more = len(self.sends) - len(lines)
        return "\n".join([*lines, f"And {more} more."] if more else lines)

    @property
    def told(self) -> str:
        """The first of them in a line."""
        more = len(self.sends) - 1
        return f"{self.first.sentence} And {more} more." if more else self.first.sentence


def grouped(due: Iterable[Send]) -> list[Message]:
    """In the order in which their first came."""
    found: dict[tuple[str, str], list[Send]] = defaultdict(list)
    for send in due:
        found[send.word, send.condition.kind].append(send)
    return [Message(tuple(sends)) for sends in found.values()]
