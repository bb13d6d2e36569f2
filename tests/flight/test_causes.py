"""Why something happened, told from what was recorded."""

from __future__ import annotations

from cluster.flight.causes import Past, Placed, cause_of
from cluster.flight.recorded import Recorded


def at(node: str, time_s: float, code: str, about: str = "", kind: str = "membership", **more: object) -> Placed:
    return Placed(node, Recorded(kind, code, about, time_s=time_s, mono_s=time_s, life="1", **more))  # type: ignore[arg-type]


def because(effect: Placed, *others: Placed) -> str:
    return cause_of(effect, Past([effect, *others]))


GONE = at("alpha", 1000, "node-gone", "gamma")


def test_a_node_is_gone_because_its_links_were_down() -> None:
    links = [at("alpha", 990 + n, "link-down", "gamma", "link", link=n) for n in (0, 1)]
    assert because(GONE, *links) == ("because its links 0 and 1 to alpha were down since 00:16:30 UTC, as alpha saw")


def test_the_other_end_s_word_counts_too_and_that_of_other_nodes_does_not() -> None:
    theirs = at("gamma", 995, "link-down", "alpha", "link", link=0)
    assert because(GONE, theirs).endswith("link 0 to alpha was down since 00:16:35 UTC, as gamma saw")
    assert because(GONE, at("beta", 995, "link-down", "gamma", "link", link=0)) == ""


def test_a_link_that_came_up_again_explains_nothing() -> None:
    down, up = (
        at("alpha", when, code, "gamma", "link", link=0) for when, code in ((980, "link-down"), (990, "link-up"))
    )
    assert because(GONE, down, up) == ""
    later = at("alpha", 995, "link-down", "gamma", "link", link=0)
    assert "since 00:16:35 UTC" in because(GONE, down, up, later)


def test_a_link_noticed_a_moment_later_still_is_the_cause() -> None:
    assert "link 0" in because(GONE, at("alpha", 1002, "link-down", "gamma", "link", link=0))
    assert because(GONE, at("alpha", 1010, "link-down", "gamma", "link", link=0)) == ""


def test_a_stopped_service_comes_before_the_links_it_took_down() -> None:
    link = at("alpha", 999, "link-down", "gamma", "link", link=0)
    stopped = at("gamma", 998, "stopped", "gamma", "node")
    assert because(GONE, link, stopped) == "because its service was stopped at 00:16:38 UTC"
    assert because(link, stopped) == "because the service of gamma was stopped at 00:16:38 UTC"


def test_a_stop_that_was_over_explains_nothing() -> None:
    stopped, began = at("gamma", 980, "stopped", "gamma", "node"), at("gamma", 985, "started", "gamma", "node")
    assert because(GONE, stopped, began) == ""


def test_a_killed_service_is_known_when_it_comes_back() -> None:
    back = at("gamma", 1200, "started-unclean", "gamma", "node")
    assert because(GONE, back).startswith("because its service ended without a word")


def test_quorum_is_lost_because_of_who_went_as_this_node_saw_it() -> None:
    lost = at("gamma", 1000, "quorum-lost", "demo", "quorum")
    own = [at("gamma", 1000, "node-gone", name) for name in ("alpha", "beta")]
    assert because(lost, *own, at("beta", 1000, "node-gone", "delta")) == "because alpha and beta went"


def test_an_earlier_life_of_the_daemon_explains_nothing_of_this_one() -> None:
    lost = at("gamma", 1000, "quorum-lost", "demo", "quorum")
    before = Placed("gamma", Recorded("membership", "node-gone", "alpha", time_s=999, mono_s=999, life="0"))
    assert because(lost, before) == ""


def test_a_store_is_read_only_because_quorum_was_lost() -> None:
    closed = at("gamma", 1000, "store-read-only", "gamma", "store")
    assert (
        because(closed, at("gamma", 999, "quorum-lost", "demo", "quorum")) == "because quorum was lost at 00:16:39 UTC"
    )


def test_quorum_that_was_there_again_does_not_explain_a_store_that_is_read_only_later() -> None:
    was = [at("alpha", 960, "quorum-lost"), at("alpha", 965, "quorum-gained"), at("alpha", 966, "store-writable")]
    read_only, writable = at("alpha", 1000, "store-read-only"), at("alpha", 1001, "store-writable")
    assert because(read_only, *was, writable) == ""
    assert because(writable, *was, read_only) == ""


def test_a_store_is_read_only_for_a_moment_because_somebody_came_or_went() -> None:
    read_only = at("alpha", 1000, "store-read-only")
    assert because(read_only, at("alpha", 999.9, "node-gone", "gamma")) == "because gamma went"
    assert because(read_only, at("alpha", 999.9, "node-here", "gamma")) == "because gamma came"
    assert because(read_only, at("alpha", 980, "node-here", "gamma")) == ""


def test_a_written_configuration_names_its_task() -> None:
    upid = "UPID:alpha:1:2:3:clusterjoin:gamma:root@pam:"
    began = at("alpha", 990, "task-started", upid, "task", user="root@pam")
    written = at("beta", 1000, "changed", "corosync.conf", "config", door="workflow", by="alpha")
    assert because(written, began) == "because of the task clusterjoin gamma of root@pam"
    assert because(written, began, at("alpha", 995, "task-ended", upid, "task")) == ""


def test_nothing_is_guessed() -> None:
    assert because(GONE) == because(at("alpha", 1, "task-started", "x", "task")) == ""
