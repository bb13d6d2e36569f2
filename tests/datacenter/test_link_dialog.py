"""Changing links and expecting fewer votes in the browser: what the dialogs offer, and what they ask of the daemon."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cluster.control.link_requests import ChangeLinks, ConfirmLinks, RevertLinks, SetExpected
from cluster.errors import Conflict
from cluster.model import LinkTrialState, LoweredVotes
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon

CHANGE, CONFIRM = "/datacenter/cluster/links", "/datacenter/cluster/links/trial"


def typed(**changes: str) -> dict[str, Any]:
    """The dialog of three nodes with two links, as it was opened."""
    found = {f"link{link}-{name}": f"10.{link}.0.{number}" for link in (0, 1)
             for number, name in enumerate(("alpha", "beta", "gamma"), 1)}  # fmt: skip
    return {
        **found,
        "link0-priority": "",
        "link1-priority": "",
        **{key.replace("_", "-"): changes[key] for key in changes},
    }


async def test_the_dialog_shows_every_link_and_one_to_add(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    page = text(await visitor.get(CHANGE))
    assert 'name="link1-gamma" value="10.1.0.3"' in page and "Add link 2" in page and "Add link 3" not in page


async def test_only_what_differs_is_asked_for(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    form = typed(link0_beta="10.9.0.2", link0_priority="20", link1_remove="1")
    assert (await visitor.post(CHANGE, form)).status_code == 200
    asked = daemon.last(ChangeLinks)
    assert asked.links == {0: "alpha=10.0.0.1,beta=10.9.0.2,gamma=10.0.0.3,priority=20", 1: "remove"}
    assert not asked.at_once and asked.user == "root@pam"


async def test_a_refusal_is_at_its_link_and_nothing_typed_asks_nothing(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    answer = await visitor.post(CHANGE, typed())
    assert answer.status_code == 422 and 'data-field="links"' in text(answer)
    daemon.refusals[ChangeLinks] = Conflict("taken", fields={"link0": "10.1.0.2 is given twice."})
    answer = await visitor.post(CHANGE, typed(link0_beta="10.1.0.2"))
    assert answer.status_code == 422 and '<p class="form-error" data-field="link0">' in text(answer)


async def test_what_is_on_trial_is_shown_and_kept_or_taken_back(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    assert "Keep it" not in text(await visitor.get("/"))
    daemon.cluster = replace(daemon.cluster, link_trial=LinkTrialState("alice@pam", 1e9))
    page = text(await visitor.get("/"))
    assert "Keep it" in page and "alice@pam" in page
    assert (await visitor.post(CONFIRM, {})).status_code == 204
    assert daemon.last(ConfirmLinks).user == "root@pam"
    assert (await visitor.post(CONFIRM, {"revert": "1"})).status_code == 204
    assert daemon.last(RevertLinks).user == "root@pam"


async def test_how_long_a_change_waits_is_typed_and_no_other_than_a_number(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    daemon.form(3)
    page = text(await visitor.get(CHANGE))
    assert 'name="confirm-s" value="120"' in page
    assert (await visitor.post(CHANGE, typed(link0_beta="10.9.0.2", confirm_s="45"))).status_code == 200
    assert daemon.last(ChangeLinks).confirm_s == 45
    answer = await visitor.post(CHANGE, typed(link0_beta="10.9.0.2", confirm_s="soon"))
    assert answer.status_code == 422 and 'data-field="confirm-s"' in text(answer)


async def test_what_went_back_is_told_and_another_change_may_begin(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    daemon.cluster = replace(daemon.cluster, link_trial=LinkTrialState("alice@pam", 1e9, back_s=1e9))
    page = text(await visitor.get("/"))
    assert "The former links are in use again." in page and "Keep it" not in page
    assert "A change of the links is on trial" not in page, "Change Links is to be pressed"


EXPECTED = "/datacenter/cluster/expected"


async def test_expecting_fewer_votes_says_what_it_means_and_who_answers(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    page = text(await visitor.get(EXPECTED))
    assert "stays read-only all the same" in page and "answers at 10.0.0.3, so it is not off" in page
    assert 'name="force"' in page


async def test_expecting_fewer_votes_wants_a_deliberate_yes(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    answer = await visitor.post(EXPECTED, {"expected": "1", "minutes": "10"})
    assert answer.status_code == 422 and 'data-field="sure"' in text(answer)
    assert (await visitor.post(EXPECTED, {"expected": "1", "minutes": "5", "sure": "1"})).status_code == 200
    asked = daemon.last(SetExpected)
    assert (asked.expected, asked.lasts_s, asked.force) == (1, 300, False)


async def test_lowered_votes_are_marked_on_every_page(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    daemon.cluster = replace(daemon.cluster, lowered=LoweredVotes(1, 3, 1e9, "root@pam"))
    for path in ("/", "/datacenter/summary", "/nodes/alpha"):
        assert "Expected votes are lowered on this node: 1 instead of 3." in text(await visitor.get(path))
