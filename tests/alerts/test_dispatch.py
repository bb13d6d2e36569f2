"""Who tells of what, and when: once, by one node, whatever becomes of that node."""

from __future__ import annotations

from cluster.alerts.condition import Condition
from cluster.alerts.dispatch import CLAIM_S, CURRENT_MAX, HOLD_S, MARKS_MAX, TRIES_MAX, Dispatcher, Send, backoff_s

GONE = Condition("node-gone/gamma", "node-gone", "gamma", "gamma is gone.")
ONCE = Condition("task-failed/x", "task-failed", "alpha", "It failed.", once=True)


class Cluster:
    """Dispatchers that hear each other's marks; `leader` is the one that sends."""

    def __init__(self, *names: str) -> None:
        self.nodes = {name: Dispatcher(lambda mark, name=name: self._tell(name, mark)) for name in names}  # type: ignore[misc]
        self.leader = names[0]
        self.sent: list[tuple[str, str, str]] = []
        self.now_s, self.works, self.quiet = 0.0, True, False

    def _tell(self, name: str, mark: object) -> None:
        for other, node in self.nodes.items():
            if other != name:
                node.hear((mark,))  # type: ignore[arg-type]

    def turn(self, *there: Condition, seconds: float = 1.0, finish: bool = True) -> list[Send]:
        begun: list[Send] = []
        for _ in range(int(seconds)):
            self.now_s += 1
            for name, node in self.nodes.items():
                known = {one.key: one for one in there}
                for send in node.step(self.now_s, name == self.leader, known, lambda one: self.quiet):
                    begun.append(send)
                    self.sent.append((name, send.word, send.condition.key))
                    if finish:
                        node.done(send, self.works, self.now_s)
        return begun


def test_a_condition_is_told_once_when_it_lasts_and_once_when_it_is_over() -> None:
    here = Cluster("alpha", "beta")
    here.turn(GONE, seconds=HOLD_S - 1)
    assert here.sent == []
    here.turn(GONE, seconds=60)
    here.turn(seconds=60)
    assert here.sent == [("alpha", "raised", GONE.key), ("alpha", "over", GONE.key)]
    here.turn(GONE, seconds=60)
    assert here.sent[2:] == [("alpha", "raised", GONE.key)]


def test_what_comes_and_goes_at_once_is_not_told() -> None:
    here = Cluster("alpha")
    for _ in range(20):
        here.turn(GONE, seconds=2)
        here.turn(seconds=2)
    assert here.sent == []


def test_what_happened_once_is_told_at_once_and_never_over() -> None:
    here = Cluster("alpha")
    here.turn(ONCE)
    here.turn(seconds=100)
    assert here.sent == [("alpha", "raised", ONCE.key)]


def test_another_node_takes_over_without_telling_again() -> None:
    here = Cluster("alpha", "beta")
    here.turn(GONE, seconds=30)
    del here.nodes["alpha"]
    here.leader = "beta"
    here.turn(GONE, seconds=200)
    here.turn(seconds=30)
    assert here.sent == [("alpha", "raised", GONE.key), ("beta", "over", GONE.key)]


def test_a_node_that_died_before_it_sent_is_stood_in_for() -> None:
    here = Cluster("alpha", "beta")
    here.turn(GONE, seconds=3)
    here.leader = "beta"
    here.turn(GONE, seconds=10)
    assert here.sent == [("beta", "raised", GONE.key)]


def test_a_node_that_died_while_it_sent_is_waited_for_first() -> None:
    here = Cluster("alpha", "beta")
    here.turn(GONE, seconds=HOLD_S + 1, finish=False)
    del here.nodes["alpha"]
    here.leader = "beta"
    here.turn(GONE, seconds=CLAIM_S - 2)
    assert [name for name, *_ in here.sent] == ["alpha"]
    here.turn(GONE, seconds=10)
    assert [name for name, *_ in here.sent] == ["alpha", "beta"]


def test_nobody_sends_without_a_leader_and_it_is_seen_to_be_unsent() -> None:
    here = Cluster("gamma")
    here.leader = ""
    here.turn(GONE, seconds=60)
    assert here.sent == [] and here.nodes["gamma"].unsent(GONE.key) and GONE.key in here.nodes["gamma"].current
    here.leader = "gamma"
    here.turn(GONE)
    assert here.sent == [("gamma", "raised", GONE.key)] and not here.nodes["gamma"].unsent(GONE.key)


def test_a_silence_delays_what_outlasts_it() -> None:
    here = Cluster("alpha")
    here.quiet = True
    here.turn(GONE, seconds=60)
    assert here.sent == []
    here.quiet = False
    here.turn(GONE)
    assert len(here.sent) == 1


def test_a_target_that_fails_is_tried_again_later_and_not_for_ever() -> None:
    here = Cluster("alpha")
    here.works = False
    here.turn(GONE, seconds=10)
    assert len(here.sent) == 2
    here.turn(GONE, seconds=2000)
    assert len(here.sent) == TRIES_MAX
    assert [backoff_s(tries) for tries in (1, 2, 3, 20)] == [5, 10, 20, 300]


def test_more_than_can_be_kept_is_told_once_and_not_again_and_again() -> None:
    here = Cluster("alpha", "beta")
    many = [Condition(f"disk/n{number}", "disk", f"n{number}", "Full.") for number in range(2 * MARKS_MAX)]
    here.turn(*many, seconds=60)
    assert len(here.sent) == len(set(here.sent)) == CURRENT_MAX


def test_what_was_told_long_ago_is_forgotten_before_what_still_counts() -> None:
    here = Cluster("alpha", "beta")
    here.turn(GONE, seconds=10)
    for number in range(MARKS_MAX + 10):
        here.turn(GONE, Condition(f"task-failed/{number}", "task-failed", "alpha", "It failed.", once=True))
    assert [sent for sent in here.sent if sent[2] == GONE.key] == [("alpha", "raised", GONE.key)]
    assert all(len(node._known) <= MARKS_MAX + CURRENT_MAX for node in here.nodes.values())
