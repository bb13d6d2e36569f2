"""Checks in the dialogs: what is asked for, the rows as they are, and what mends a finding."""

from __future__ import annotations

from cluster.control import check_requests as looking
from cluster.errors import Busy, Conflict
from cluster.model import Change
from datacenter.live import render
from datacenter.live.picture import picture_of
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import ROOT, FakeDaemon

CREATE, JOIN = "/datacenter/cluster/create/check", "/datacenter/cluster/join/check"
LINK = {"link-number": "0", "link-address": "10.0.0.1", "link-priority": ""}


async def test_create_is_looked_at_with_the_links_that_were_chosen(visitor: Visitor, daemon: FakeDaemon) -> None:
    shown = text(await visitor.post(CREATE, LINK))
    assert daemon.last(looking.CheckCreate) == looking.CheckCreate({0: "10.0.0.1"}, ROOT)
    assert "Looking…" in shown and f'data-watch="check:{daemon.check["id"]}"' in shown


async def test_join_is_looked_at_with_the_pasted_information(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form()
    asked = {"mode": "manual", "hostname": "10.0.0.9", "fingerprint": "AB:CD", "password": "s3cret"}
    await visitor.post(JOIN, asked)
    request = daemon.last(looking.CheckJoin)
    assert (request.hostname, request.password.reveal(), request.user) == ("10.0.0.9", "s3cret", ROOT)
    assert "Enter the peer" in text(await visitor.post(JOIN, {**asked, "password": ""}))


async def test_a_finding_has_its_reason_its_code_and_its_button(visitor: Visitor, daemon: FakeDaemon) -> None:
    await visitor.post(CREATE, LINK)
    daemon.find([["key-present", "error", "A key is left.", "remove-leftovers"], ["cpu", "ok", "One processor.", ""]])
    daemon.find([["address-not-local", "warning", "Not here.", "choose-address"]], done=True)
    other = Change(8, "check", {**daemon.check, "id": "other", "findings": []}, 1.0)
    picture = picture_of(daemon.status())
    shown = " ".join(render.difference(picture, picture, [other, Change(9, "check", daemon.check, 1.0)]).messages)
    for words in ("1 thing stands in the way.", "A key is left.", "This is why. Do that.", "key-present",
                  "Move them to a backup", "Choose another address", 'hx-swap-oob=true'):  # fmt: skip
        assert words in shown
    assert 'id="check-other"' in shown, "checks of two people at once are both told"
    assert shown.count("This is why.") == 2, "what is in order needs no reason"


async def test_leftovers_are_moved_by_the_button(visitor: Visitor, daemon: FakeDaemon) -> None:
    assert "Moved to the backup leftovers-1." in text(await visitor.post("/datacenter/cluster/leftovers/remove", {}))
    daemon.refusals[looking.RemoveLeftovers] = Conflict("These files are in use.")
    assert "These files are in use." in text(await visitor.post("/datacenter/cluster/leftovers/remove", {}))


async def test_all_nodes_are_compared_in_a_dialog(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form()
    assert "Compare Nodes" in text(await visitor.htmx("/"))
    assert "Compare All Nodes" in text(await visitor.htmx("/datacenter/cluster/compare"))


async def test_a_check_that_cannot_begin_says_why_in_its_place(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[looking.CheckCreate] = Busy("Several checks are running.")
    assert "Several checks are running." in text(await visitor.post(CREATE, LINK))
