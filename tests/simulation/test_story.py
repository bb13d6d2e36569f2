"""A seed is the same story always (A20), and a failing one says what happened, to what, and who kept it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import story
from tests.simulation.load import LONG_HAULS_FROM
from tests.simulation.run import simulate

ROOT = Path(__file__).resolve().parents[2]


def test_the_same_seed_is_the_same_story() -> None:
    first: list[str] = []
    second: list[str] = []
    assert simulate(7, first.append) == simulate(7, second.append)
    assert first == second and len(first) > 100
    assert simulate(7).trace != simulate(8).trace


@pytest.mark.slow
def test_another_process_with_other_hashes_tells_the_same_story() -> None:
    def traces(hash_seed: str, first: int, count: int) -> str:
        command = [sys.executable, "-m", "tests.simulation", str(first), str(count), "--traces"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    for first, count in ((1, 8), (LONG_HAULS_FROM, 5)):
        told = traces("1", first, count)
        assert told == traces("2", first, count) and len(told.splitlines()) == count


def test_a_failing_seed_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert story.tell(1, "ack-before-fsync") == 1
    told = capsys.readouterr().out
    found = re.search(r"FOUND in seed 1, at [\d.]+ s of it: a5 an answer is on a majority of disks: (.*)", told)
    assert found is not None, told
    assert "on the disks of nodes" in told, "who keeps it"
    assert re.search(r"request  r\d+: outcome", told) and re.search(r"node \d answers r\d+ with Done", told)
    assert re.search(r"node 1   active, epoch \d+, committed \d+, last [\d.]+; acks heard", told), told


def test_a_seed_without_a_finding_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert story.tell(1) == 0
    assert "seed 1: nothing found" in capsys.readouterr().out
