"""What a node writes is for root, and for the site what the site needs; nothing it writes to can be led elsewhere."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control import access_requests as ask
from cluster.control.requests import StoreExport
from cluster.errors import QuireError
from tests.cast import ALICE
from tests.node.alone import alone

ROOT = "root@pam"
# For the group of the site, where it runs as a user of its own: its way in, and its certificate.
FOR_THE_SITE = {"control.sock", "tls", "tls/key.pem", "tls/cert.pem"}
PUBLIC = {"tls/cert.pem"}
WRITABLE = 0o022


@pytest.fixture
def generous() -> Iterator[None]:
    """As generous as a shell could be."""
    former = os.umask(0)
    yield
    os.umask(former)


async def test_t54_nothing_a_node_keeps_is_for_others(tmp_path: Path, generous: None) -> None:
    folder = tmp_path / "alpha"
    async with alone(folder) as node:
        await node.ask(ask.UserAdd(ROOT, ALICE))
        await node.ask(StoreExport())
        modes = {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}
    assert {"store.db", "store.db-wal", "tls/key.pem"} <= modes.keys()
    others = {name: oct(mode) for name, mode in modes.items() if mode & 0o007 and name not in PUBLIC}
    assert others == {}
    written = {name: oct(mode) for name, mode in modes.items() if mode & WRITABLE and name not in FOR_THE_SITE}
    assert written == {}
    kept = {name: oct(mode) for name, mode in modes.items() if name.startswith(("store", "exchange")) and mode & 0o077}
    assert kept == {}
    assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0


@pytest.mark.parametrize("name", ["tls/key.pem", "tls/cert.pem", "flight/events", "tasks/index"])
async def test_t54_a_link_in_the_place_of_a_file_leads_nowhere(name: str, tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "alpha" / name
    victim.write_text("precious")
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    with contextlib.suppress(QuireError):  # it may say that the file is damaged, and not start
        async with alone(tmp_path / "alpha") as node:
            await node.ask(ask.UserAdd(ROOT, ALICE))
    assert victim.read_text() == "precious"
