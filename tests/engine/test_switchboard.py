"""Who hears whom: rings at each change of nodes, groups within a ring, splits, configurations that do not agree."""

import pytest

from cluster.engine import wire_frames as frames
from cluster.engine.switchboard import GROUPS_MAX, Port, Switchboard
from cluster.errors import Conflict, InvalidInput

EVERYONE = frozenset({1, 2, 3})


class Listener:
    """A node at the switchboard, with all it was told."""

    def __init__(self, board: Switchboard, node_id: int, sequence: int = 0, nodes: frozenset[int] = EVERYONE) -> None:
        self.told: list[frames.FromWire] = []
        self.port = Port(node_id, 100 + node_id, nodes, self._put)
        board.attach(self.port, sequence)

    def _put(self, frame: bytes) -> None:
        (body,) = frames.Reader().feed(frame)
        self.told.append(frames.read_at_engine(body))

    def drain(self) -> list[frames.FromWire]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def board() -> Switchboard:
    return Switchboard()


def all_told(*listeners: Listener) -> list[list[frames.FromWire]]:
    return [listener.drain() for listener in listeners]


def test_each_node_that_comes_or_goes_makes_a_new_ring_for_all(board):
    alpha = Listener(board, 1)
    beta = Listener(board, 2)
    assert alpha.drain() == [frames.Ring(4, 1, [1]), frames.Ring(8, 1, [1, 2])]
    assert beta.drain() == [frames.Ring(8, 1, [1, 2])]
    board.detach(alpha.port)
    assert beta.drain() == [frames.Ring(12, 2, [2])]
    board.detach(alpha.port)
    assert beta.drain() == []


def test_a_ring_is_newer_than_any_its_nodes_have_seen(board):
    Listener(board, 1, sequence=40)
    beta = Listener(board, 2, sequence=1000)
    assert beta.drain() == [frames.Ring(1004, 1, [1, 2])]


def test_a_node_id_can_be_connected_only_once(board):
    alpha = Listener(board, 1)
    alpha.drain()
    with pytest.raises(Conflict):
        Listener(board, 1)
    assert alpha.drain() == []


def test_joining_and_leaving_a_group_is_told_to_its_members_in_the_same_ring(board):
    alpha, beta, gamma = (Listener(board, node_id) for node_id in (1, 2, 3))
    all_told(alpha, beta, gamma)
    board.join(beta.port, "config")
    board.join(alpha.port, "config")
    board.join(alpha.port, "config")
    both = frames.View("config", 12, 1, [(1, 101), (2, 102)])
    assert all_told(alpha, beta, gamma) == [[both], [frames.View("config", 12, 1, [(2, 102)]), both], []]
    board.leave(alpha.port, "config")
    assert all_told(alpha, beta, gamma) == [[], [frames.View("config", 12, 1, [(2, 102)])], []]


def test_a_new_ring_is_told_before_the_views_in_it(board):
    alpha = Listener(board, 1)
    board.join(alpha.port, "config")
    board.join(alpha.port, "status")
    alpha.drain()
    Listener(board, 2)
    assert alpha.drain() == [
        frames.Ring(8, 1, [1, 2]),
        frames.View("config", 8, 1, [(1, 101)]),
        frames.View("status", 8, 1, [(1, 101)]),
    ]


def test_a_message_goes_to_the_members_in_the_senders_ring_and_back_to_the_sender(board):
    alpha, beta, gamma = (Listener(board, node_id) for node_id in (1, 2, 3))
    for listener in (alpha, beta):
        board.join(listener.port, "config")
    all_told(alpha, beta, gamma)
    board.send(alpha.port, "config", b"one")
    board.send(gamma.port, "config", b"from no member")
    message = frames.Message("config", 1, 101, b"one")
    assert all_told(alpha, beta, gamma) == [[message], [message], []]


def test_a_split_leaves_the_side_that_did_not_change_alone_and_a_heal_joins_all(board):
    alpha, beta = Listener(board, 1), Listener(board, 2)
    for listener in (alpha, beta):
        board.join(listener.port, "config")
    all_told(alpha, beta)
    board.split([[1], [2]])
    assert alpha.drain() == [frames.Ring(12, 1, [1]), frames.View("config", 12, 1, [(1, 101)])]
    assert beta.drain() == [frames.Ring(16, 2, [2]), frames.View("config", 16, 2, [(2, 102)])]
    board.send(alpha.port, "config", b"alone")
    assert (len(alpha.drain()), beta.drain()) == (1, [])
    gamma = Listener(board, 3)
    assert all_told(alpha, beta, gamma) == [[], [], [frames.Ring(20, 3, [3])]]
    board.split([])
    assert alpha.drain()[0] == beta.drain()[0] == gamma.drain()[0] == frames.Ring(24, 1, [1, 2, 3])


def test_nodes_hear_each_other_only_when_each_has_the_other_in_its_configuration(board):
    alpha = Listener(board, 1, nodes=frozenset({1, 2}))
    beta = Listener(board, 2, nodes=frozenset({1, 2}))
    gamma = Listener(board, 3)
    assert alpha.drain()[-1] == beta.drain()[-1] == frames.Ring(8, 1, [1, 2])
    assert gamma.drain() == [frames.Ring(12, 3, [3])]
    board.configured(alpha.port, EVERYONE)
    assert all_told(alpha, beta, gamma) == [[], [], []], "beta does not know gamma yet"
    board.configured(beta.port, EVERYONE)
    assert all_told(alpha, beta, gamma) == [[frames.Ring(16, 1, [1, 2, 3])]] * 3
    board.configured(alpha.port, {1, 2})
    board.configured(beta.port, {1, 2})
    assert gamma.drain()[-1].nodes == [3], "one who was removed is alone"


def test_a_reload_is_told_to_all_of_the_ring(board):
    alpha, beta = Listener(board, 1), Listener(board, 2)
    all_told(alpha, beta)
    board.reload(beta.port, 7)
    assert all_told(alpha, beta) == [[frames.Reloaded(7)]] * 2


def test_a_node_may_be_in_so_many_groups_only(board):
    alpha = Listener(board, 1)
    for number in range(GROUPS_MAX):
        board.join(alpha.port, f"group-{number}")
    with pytest.raises(InvalidInput):
        board.join(alpha.port, "one-more")
