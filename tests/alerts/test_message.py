"""What is sent of alerts that are due together: a message for each kind, that can be read."""

from __future__ import annotations

from cluster.alerts.condition import Condition
from cluster.alerts.dispatch import Send
from cluster.alerts.message import TOLD_MAX, grouped


def due(kind: str, node: str, word: str = "raised") -> Send:
    return Send(word, Condition(f"{kind}/{node}", kind, node, f"{node} has it."), 0.0)


def test_one_alert_is_a_message_with_its_sentence() -> None:
    (message,) = grouped([due("disk", "beta")])
    assert (message.title, message.text, message.told) == ("Disk full or failing", "beta has it.", "beta has it.")


def test_alerts_of_one_kind_are_one_message_and_those_that_are_over_another() -> None:
    told = grouped([due("disk", "beta"), due("clock", "beta"), due("disk", "gamma"), due("disk", "alpha", "over")])
    assert [(one.title, one.text) for one in told] == [
        ("Disk full or failing", "beta has it.\ngamma has it."),
        ("Clocks apart", "beta has it."),
        ("Over: Disk full or failing", "alpha has it."),
    ]
    assert told[0].told == "beta has it. And 1 more."


def test_a_message_has_no_more_lines_than_can_be_read() -> None:
    (message,) = grouped([due("latency", f"n{number:02}") for number in range(TOLD_MAX + 12)])
    assert len(message.text.splitlines()) == TOLD_MAX + 1
    assert message.text.endswith("And 12 more.")
