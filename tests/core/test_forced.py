"""Only the committed nodelist says who may write; what anybody makes corosync expect changes nothing about that."""

from __future__ import annotations

from cluster.core import quorum
from cluster.core.effects import NotDone
from cluster.core.quorum import Options
from cluster.core.replica import Phase
from tests.core.table import ALPHA, BETA, GAMMA, Table


def test_votes_lowered_by_hand_let_nobody_write() -> None:
    table = Table(ALPHA, BETA, GAMMA)
    table.form()
    table.seat((ALPHA,), (BETA, GAMMA))
    table.settle()
    forced = quorum.decide({ALPHA: 1, BETA: 1, GAMMA: 1}, {ALPHA}, Options(expected_votes=1))
    assert forced.quorate  # for corosync, after `pvecm expected 1`
    outcome = table.write(ALPHA, "user.cfg", b"forced")
    assert isinstance(outcome, NotDone) and outcome.code == "no-quorum"
    assert table[ALPHA].phase is Phase.READ_ONLY and table[ALPHA].read("user.cfg") is None
    assert "1 of the 2 votes needed to write are present" in outcome.message
