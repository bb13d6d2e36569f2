"""Votes and quorum: tables of what votequorum decides, its flags, the sentences, and corosync's simulator as judge."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from cluster.core import quorum
from cluster.core.quorum import Options
from cluster.model import Quorum

THREE = {1: 1, 2: 1, 3: 1}
TWO = {1: 1, 2: 1}


@pytest.mark.parametrize(
    ("votes", "present", "total", "needed", "quorate"),
    [
        ({1: 1}, [1], 1, 1, True),
        (TWO, [1, 2], 2, 2, True),
        (TWO, [1], 1, 2, False),
        (THREE, [1, 2, 3], 3, 2, True),
        (THREE, [2, 3], 2, 2, True),
        (THREE, [3], 1, 2, False),
        (dict.fromkeys(range(1, 5), 1), [1, 2], 2, 3, False),
        (dict.fromkeys(range(1, 6), 1), [1, 2, 3], 3, 3, True),
        ({1: 3, 2: 1, 3: 1}, [1], 3, 3, True),
        ({1: 3, 2: 1, 3: 1}, [2, 3], 2, 3, False),
        ({1: 1, 2: 0}, [1], 1, 1, True),
        ({1: 1, 2: 0}, [2], 0, 1, False),
        (THREE, [1, 2, 9], 2, 2, True),
        (THREE, [], 0, 2, False),
        (THREE, [1, 1, 1], 1, 2, False),
    ],
)
def test_more_than_half_of_the_expected_votes_are_quorate(votes, present, total, needed, quorate):
    decided = quorum.decide(votes, present, Options())
    expected = sum(votes.values())
    flags = ("Quorate",) if quorate else ()
    assert decided == Quorum(quorate, expected, total, needed, expected, flags)


@pytest.mark.parametrize(
    ("present", "waiting", "quorate", "goes_on_waiting"),
    [([1, 2], True, True, False), ([1], True, False, True), ([1], False, True, False), ([1, 2], False, True, False)],
)
def test_one_of_two_nodes_is_enough_once_both_were_there(present, waiting, quorate, goes_on_waiting):
    options = Options(two_node=True)
    decided = quorum.decide(TWO, present, options, waiting)
    assert (decided.quorate, decided.quorum) == (quorate, 1)
    assert quorum.still_waiting(TWO, present, options, waiting) == goes_on_waiting
    assert decided.flags == (("2Node", "Quorate", "WaitForAll") if quorate else ("2Node", "WaitForAll"))


def test_two_node_without_wait_for_all_lets_one_node_start_alone():
    options = Options(two_node=True, wait_for_all=False)
    assert quorum.decide(TWO, [2], options, waiting=True).quorate


@pytest.mark.parametrize(("present", "needed"), [([1], 1), ([2, 3], 1), ([1, 2, 3], 2)])
def test_two_node_is_only_off_while_more_than_two_are_present_so_three_nodes_can_split_into_quorate_sides(
    present, needed
):
    decided = quorum.decide(THREE, present, Options(two_node=True))
    assert (decided.quorate, decided.quorum) == (True, needed)


def test_a_majority_that_waits_for_all_is_not_quorate_until_all_were_there_once():
    options = Options(wait_for_all=True)
    assert not quorum.decide(THREE, [1, 2], options, waiting=True).quorate
    assert quorum.decide(THREE, [1, 2, 3], options, waiting=True).quorate
    assert not quorum.still_waiting(THREE, [1, 2, 3], options, waiting=True)
    assert quorum.decide(THREE, [1, 2], options, waiting=False).quorate


@pytest.mark.parametrize(
    ("expected", "present", "needed", "quorate"),
    [(1, [3], 1, True), (1, [1, 2, 3], 2, True), (5, [1, 2], 3, False), (5, [1, 2, 3], 3, True)],
)
def test_expected_votes_can_be_overridden_but_half_of_those_present_is_never_enough(expected, present, needed, quorate):
    decided = quorum.decide(THREE, present, Options(expected_votes=expected))
    assert (decided.expected_votes, decided.quorum, decided.quorate) == (expected, needed, quorate)


def test_a_qdevice_breaks_the_tie_of_two_nodes_for_the_side_it_votes_with():
    ours, theirs = Options(qdevice_votes=1, qdevice_casts=True), Options(qdevice_votes=1)
    assert quorum.decide(TWO, [1], ours) == Quorum(True, 3, 2, 2, 3, ("Quorate", "Qdevice"))
    assert quorum.decide(TWO, [2], theirs) == Quorum(False, 3, 1, 2, 3, ("Qdevice",))


def test_a_qdevice_turns_two_node_and_wait_for_all_off():
    options = Options(two_node=True, qdevice_votes=1)
    assert quorum.decide(TWO, [1], options, waiting=True).flags == ("Qdevice",)
    assert quorum.decide(TWO, [1, 2], options, waiting=True).quorate


NAMES = {1: "alpha", 2: "beta", 3: "gamma"}


def test_a_lost_quorum_is_explained_with_who_is_missing_and_what_would_help():
    assert quorum.explain({1: 1, 2: 1, 3: 2}, [1], Options(), names=NAMES) == (
        "1 vote of 4 present; 3 needed.",
        "The cluster is not quorate.",
        "Missing: beta (1 vote), gamma (2 votes).",
        "2 votes more would make it quorate.",
    )


def test_a_full_cluster_is_explained_in_two_sentences():
    assert quorum.explain(THREE, [1, 2, 3], Options()) == ("3 votes of 3 present; 2 needed.", "The cluster is quorate.")


def test_the_special_rules_are_named_when_they_apply():
    assert "One node is enough, because two_node is on." in quorum.explain(TWO, [1], Options(two_node=True))
    waiting = quorum.explain(TWO, [1], Options(two_node=True), waiting=True)
    assert any("waits for all" in sentence for sentence in waiting)
    assert not any("more would" in sentence for sentence in waiting)
    assert "The QDevice does not give this side its 1 vote." in quorum.explain(TWO, [1], Options(qdevice_votes=1))


def test_nodes_without_a_known_name_are_missing_by_their_id():
    assert "Missing: node 2 (1 vote), node 3 (1 vote)." in quorum.explain(THREE, [1], Options())


# --- the judge: votequorum itself, in corosync's simulator ------------------------------------------------------------

CASES = [
    (THREE, {}, [1]),
    (THREE, {}, [1, 2]),
    ({1: 1, 2: 1, 3: 1, 4: 1}, {}, [1, 2]),
    ({1: 3, 2: 1, 3: 1}, {}, [2, 3]),
    ({1: 3, 2: 1, 3: 1}, {}, [1]),
    ({1: 1, 2: 1, 3: 0}, {}, [1, 3]),
    (TWO, {}, [1]),
    (TWO, {"two_node": 1}, [1]),
    (THREE, {"two_node": 1}, [1]),
    ({1: 1, 2: 1, 3: 1, 4: 1}, {"two_node": 1}, [1]),
    (THREE, {"expected_votes": 5}, [1, 2]),
    (THREE, {"wait_for_all": 1}, [1, 2]),
]


@pytest.mark.corosync
@pytest.mark.skipif(shutil.which("corosync-vqsim") is None, reason="corosync-vqsim is not installed")
@pytest.mark.parametrize(("votes", "keys", "side"), CASES)
def test_corosync_decides_the_same_after_a_split(votes, keys, side, tmp_path):
    nodes = "".join(
        f"  node {{\n    nodeid: {node_id}\n    quorum_votes: {count}\n    ring0_addr: 127.0.0.{node_id}\n  }}\n"
        for node_id, count in votes.items()
    )
    extra = "".join(f"  {key}: {value}\n" for key, value in keys.items())
    text = f"totem {{\n  version: 2\n  cluster_name: q\n}}\nquorum {{\n  provider: corosync_votequorum\n{extra}}}\n"
    file = tmp_path / "q.conf"  # corosync-vqsim takes at most seven characters
    file.write_text(f"{text}nodelist {{\n{nodes}}}\n")
    options = Options(
        two_node=bool(keys.get("two_node")),
        wait_for_all=bool(keys["wait_for_all"]) if "wait_for_all" in keys else None,
        expected_votes=keys.get("expected_votes"),
    )
    all_seen = not quorum.still_waiting(votes, votes, options, waiting=True)
    here = quorum.decide(votes, side, options, waiting=not all_seen).quorate
    others = [node_id for node_id in votes if node_id not in side]
    there = quorum.decide(votes, others, options, waiting=not all_seen).quorate
    expected = dict.fromkeys(side, here) | dict.fromkeys(others, there)
    assert simulated(file, side, set(votes)) == expected


def simulated(file, side, everyone) -> dict[int, bool]:
    """Who is quorate in vqsim after `side` was split off. It answers asynchronously: ask until a side is complete."""
    process = subprocess.Popen(
        ["corosync-vqsim", "-c", file.name],
        cwd=file.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,  # its nodes are forked and may outlive it: they are ended as one group
    )
    assert process.stdin is not None and process.stdout is not None

    def show(wanted) -> dict[int, bool]:
        deadline_s = time.monotonic() + 15
        while time.monotonic() < deadline_s:
            process.stdin.write("show\n")
            seen: dict[int, tuple[bool, set[int]]] = {}
            for line in process.stdout:
                if line.startswith("#autofence") and seen:
                    break
                if match := re.match(r"\d+:(\d+): q=(\d) ring=\[.*\] nodes=\[(.*)\]", line):
                    seen[int(match[1])] = (match[2] == "1", {int(node_id) for node_id in match[3].split()})
            if {node_id: nodes for node_id, (_, nodes) in seen.items()} == wanted:
                return {node_id: quorate for node_id, (quorate, _) in seen.items()}
            time.sleep(0.05)
        pytest.fail("the simulator did not settle")

    try:
        show(dict.fromkeys(everyone, everyone))
        process.stdin.write(f"split 1:{','.join(map(str, side))}\n")
        return show({node_id: set(side) if node_id in side else everyone - set(side) for node_id in everyone})
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
        process.stdin.close()
        process.stdout.close()
