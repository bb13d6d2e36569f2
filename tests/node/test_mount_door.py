"""What the mount's door counts for `.members` and `.version`."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cluster.core.tree import Tree
from cluster.model import ClusterState, NodeState
from cluster.node.life import Life
from cluster.node.mount_door import MountDoor
from cluster.node.status_keys import StatusKeys
from tests.cast import ALPHA, BETA


class Shown:
    """A door and the state that is shown."""

    def __init__(self) -> None:
        self.state: ClusterState | None = None
        self.keys = StatusKeys(lambda: ALPHA.node_id, lambda: 0.0, lambda payload: None)
        life = SimpleNamespace(tree=Tree(), replica=SimpleNamespace(node_id=ALPHA.node_id, writable=True))
        self.door = MountDoor("alpha", cast(Life, life), self.keys, lambda: self.state, lambda limit: [])

    def show(self, **of_beta: Any) -> None:
        alpha = NodeState("alpha", ALPHA.node_id, 1, online=True)
        beta = NodeState("beta", BETA.node_id, 1, **of_beta)
        self.state = ClusterState("alpha", "facts", 1, (alpha, beta))
        self.door.shown(self.state)

    def read(self, name: str) -> Any:
        return json.loads(self.door.virtual(name))


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_members_counts_what_it_tells_and_nothing_else(shown: Shown) -> None:
    shown.show(online=False)
    before = shown.read(".members")["version"]
    shown.show(online=False, since_s=5.0)
    assert shown.read(".members")["version"] == before
    for count, told in enumerate(({"online": True}, {"online": True, "address": "10.0.0.2"}, {"online": False}), 1):
        shown.show(**told)
        assert shown.read(".members")["version"] == before + count
        assert shown.read(".version")["clinfo"] == before + count


def test_version_names_the_keys_of_nodes_that_said_something(shown: Shown) -> None:
    assert shown.read(".version")["kvstore"] == {}
    shown.keys.set("tasklist", b"[]")
    shown.keys.set("tasklist", b"[1]")
    assert shown.read(".version")["kvstore"] == {"alpha": {"tasklist": 1}}
    shown.show(online=True)
    assert shown.read(".version")["kvstore"] == {"alpha": {"tasklist": 1}}
