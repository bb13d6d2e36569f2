"""Figures asked of a real corosync over a connection of our own: what libcmap tells, and nothing while it is full."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab, corosync

pytestmark = [pytest.mark.corosync, pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN_MS = 5000  # so long the peer may stand still, and the ring stays


@pytest.fixture(scope="module")
def nodes() -> Iterator[Lab]:
    lab = Lab(f"figures{os.getpid()}", ("alpha", "beta"))
    try:
        lab.up()
        corosync.configure(lab, TOKEN_MS)
        corosync.start(lab)
        corosync.wait_quorate(lab, timeout_s=30)
        yield lab
    finally:
        lab.down()


def asking(lab: Lab, what: str) -> list[str]:
    path = f"PYTHONPATH={ROOT}"  # nsenter goes to the root folder of the node
    return [*lab.enter("alpha"), "env", path, sys.executable, "-m", "tests.engine.asking", what]


def test_numbers_are_those_that_libcmap_tells(nodes: Lab) -> None:
    told = json.loads(subprocess.run(asking(nodes, "compare"), capture_output=True, check=True, timeout=60).stdout)
    assert told[0][1:] == [1, 1]
    assert all(theirs == ours for _, theirs, ours in told), told
    assert told[-1][1:] == [None, None]


def test_while_corosync_takes_no_more_a_question_is_refused_instead_of_left_with_it(nodes: Lab) -> None:
    """Left with it, it would have corosync turn in a busy loop until it may be read."""
    peer = corosync.running(nodes, "beta")
    with subprocess.Popen(asking(nodes, "full"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asker:
        assert asker.stdin is not None and asker.stdout is not None
        assert asker.stdout.readline() == '"ready"\n'
        os.kill(peer, signal.SIGSTOP)
        try:
            print(file=asker.stdin, flush=True)
            during = json.loads(asker.stdout.readline())
        finally:
            os.kill(peer, signal.SIGCONT)
        after, _ = asker.communicate("\n", timeout=60)
    assert (during, json.loads(after)) == ("CS_ERR_TRY_AGAIN", "int")
