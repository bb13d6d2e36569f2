"""Three hosts out of namespaces for tests that want real corosync; each test module has hosts of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab import Lab


@pytest.fixture(scope="module")
def hosts(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """alpha, beta and gamma with two links and a management network. No corosync is configured, and none runs."""
    module = request.module.__name__.rpartition(".")[2]
    lab = Lab(f"{module}{os.getpid()}")
    try:
        lab.up(links=2, management=True)
        yield lab
    finally:
        lab.down()
