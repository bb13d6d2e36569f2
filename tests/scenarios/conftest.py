"""Demos to visit: one on each engine, started once per module."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.visitor import Visit, visit
from tests.places import own_network

if TYPE_CHECKING:
    from tests.scenarios.office import Office

NETWORK = own_network()
FIRST_ADDRESS = f"{NETWORK}.31"
ENGINES = ["loopback", pytest.param("corosync", marks=pytest.mark.corosync)]


@contextlib.contextmanager
def demo_of(engine: str, nodes: int, first_address: str = FIRST_ADDRESS, disk_mib: int = 0) -> Iterator[Visit]:
    """A demo of stand-alone nodes. Its folder's path is short, because sockets live below it."""
    state = Path(tempfile.mkdtemp(prefix="quire-t"))
    try:
        with visit(state, nodes, engine, first_address, disk_mib) as visiting:
            yield visiting
    finally:
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="package")
def shared_office() -> Iterator[Office]:
    """Three nodes on real corosync, each with a disk of its own, for all the tests that leave them whole."""
    from tests.scenarios.office import office_of

    with office_of(disk_mib=64) as here:
        yield here


@pytest.fixture
def office(shared_office: Office) -> Iterator[Office]:
    yield shared_office
    shared_office.recover()
