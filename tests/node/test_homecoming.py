"""When a node that cannot write asks the others whether it still is a member, and what it says of who answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cluster.errors import FingerprintMismatch
from cluster.node import homecoming as module
from cluster.node.homecoming import Homecoming
from cluster.node.life import Life
from cluster.node.options import Options


class Alpha(Homecoming):
    """Of a cluster with beta, which another machine answers for as long as `stranger` says so."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.stranger = 0, True
        self.replica = SimpleNamespace(writable=True, blank=False)
        life = SimpleNamespace(is_open=True, clustered=True, replica=self.replica)
        super().__init__(cast(Options, SimpleNamespace(state_dir=folder)), cast(Life, life), lambda: None)
        monkeypatch.setattr(self, "_own_certificates", lambda: [b"alpha's"])
        monkeypatch.setattr(self, "_members", lambda: [("beta", "127.0.0.2", "beta's")])
        monkeypatch.setattr(self, "_ask_as", self.beta)

    async def beta(self, *_: Any) -> module.Answer:
        self.asked += 1
        if self.stranger:
            raise FingerprintMismatch("another certificate")
        return module.Answer()

    async def looks(self, *writable: bool) -> int:
        """→ how often beta was asked meanwhile."""
        before = self.asked
        for self.replica.writable in writable:
            await self.look_again()
        return self.asked - before


@pytest.fixture
def alpha(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alpha:
    return Alpha(tmp_path, monkeypatch)


async def test_a_node_that_cannot_write_for_a_moment_asks_nobody(alpha: Alpha) -> None:
    """After every change of who is there nobody can: in a large cluster all would ask all."""
    assert await alpha.looks(False, True, False, True) == 0


async def test_a_node_that_still_cannot_write_at_the_next_look_asks_the_others(alpha: Alpha) -> None:
    assert await alpha.looks(True, False, False, False) == 2


async def test_another_machine_in_a_member_s_place_is_named_while_it_answers(alpha: Alpha) -> None:
    await alpha.looks(False, False)
    assert "shown by beta at 127.0.0.2" in alpha.strangers
    alpha.stranger = False
    await alpha.looks(False)
    assert alpha.strangers == ""


async def test_a_stranger_of_long_ago_is_forgotten_once_this_node_could_write(alpha: Alpha) -> None:
    """A node that is joining shows its former certificate for a moment: nobody may be told of it ever after."""
    await alpha.looks(False, False, True)
    alpha.replica.writable = False
    assert alpha.strangers == ""
