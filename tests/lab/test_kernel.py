"""Whose a network namespace is: several labs, and several runs of the tests, share one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.kernel import OWNER_VARIABLE, add_netns, ip, owner_of_netns
from tests import leaks

pytestmark = pytest.mark.corosync


@pytest.fixture
def netns() -> Iterator[str]:
    name = f"owned{os.getpid()}"
    yield name
    ip("netns", "del", name, check=False)


def test_a_namespace_that_this_run_leaves_behind_is_told(netns: str, tmp_path: Path) -> None:
    before = leaks.belongings(tmp_path)
    add_netns(netns)
    assert f"network namespace {netns}" in leaks.belongings(tmp_path).beyond(before)


def test_a_namespace_of_another_run_is_not(netns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = leaks.belongings(tmp_path)
    monkeypatch.setenv(OWNER_VARIABLE, "tests-of-another-run")
    add_netns(netns)
    assert owner_of_netns(netns) == "tests-of-another-run"
    assert netns not in "".join(leaks.belongings(tmp_path).beyond(before))


def test_a_namespace_that_is_gone_is_nobodys(netns: str) -> None:
    assert owner_of_netns(netns) == ""
