"""The status board: what is a change for pages, and what is only a figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.engine.base import Delivered, GroupChanged
from cluster.model import LinkState, Member, RingId
from cluster.node.board import Board
from cluster.node.board_messages import GROUP, Announcement, Linked, Sampled, Trouble, decode, encode

BETA = Member(2, 7)
LINK = LinkState(1, 0, True, latency_us=200, peer_address="10.0.0.1")


class Shown:
    """alpha's board, and what it asked to be shown: `whole` or `figures`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.board = Board(lambda: 0.0, lambda: self.asked.append("whole"), lambda: None, lambda _: None)
        self.board.measured = lambda: self.asked.append("figures")
        self.board.hear(GroupChanged(GROUP, RingId(1, 1), (BETA,)))
        self.said(Linked((LINK,), None))
        self.asked.clear()

    def said(self, *messages: Announcement | Linked | Sampled | Trouble) -> list[str]:
        for message in messages:
            self.board.hear(Delivered(GROUP, BETA, encode(message)))
        return self.asked


def test_a_sample_is_only_figures() -> None:
    shown = Shown()
    assert shown.said(Sampled(1.0, {"cpu": 0.5})) == ["figures"]
    sample = shown.board.card(2).sample
    assert sample is not None and sample.values == {"cpu": 0.5}


def test_a_latency_is_only_a_figure() -> None:
    shown = Shown()
    assert shown.said(Linked((replace(LINK, latency_us=900, loss=0.1, retries=3),), None)) == ["figures"]
    assert shown.board.card(2).link_states[0].latency_us == 900


@pytest.mark.parametrize(
    "links",
    [(replace(LINK, connected=False),), (replace(LINK, flaps=1),), (replace(LINK, peer_address="10.0.0.9"),), ()],
    ids=["down", "was down", "another address", "gone"],
)
def test_a_link_that_is_not_as_it_was_is_shown_with_everything_else(links: tuple[LinkState, ...]) -> None:
    assert Shown().said(Linked(links, None)) == ["whole"]


def test_trouble_is_shown_with_everything_else() -> None:
    assert Shown().said(Trouble("The disk is full.")) == ["whole"]


def test_what_is_said_again_for_somebody_new_is_not_shown_again() -> None:
    shown, who = Shown(), Announcement("beta", "10.0.0.2", 8006, "AA:BB", "0.1")
    assert shown.said(who, Trouble("The disk is full.")) == ["whole", "whole"]
    assert shown.said(who, Trouble("The disk is full.")) == ["whole", "whole"]
    assert shown.said(Trouble("")) == ["whole", "whole", "whole"]


def test_what_is_not_understood_is_left_out() -> None:
    shown = Shown()
    shown.board.hear(Delivered(GROUP, BETA, b"\xc1 from another time"))
    assert shown.asked == [] and decode(b"") is None
