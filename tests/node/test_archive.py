"""A node's figures over time: means and greatest per step, gaps, fixed size, and what is kept across a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.model import Sample
from cluster.node.archive import FRAMES, HALF_HOUR, MINUTE, SHAPES, Archive
from cluster.node.rings import ROW, Ring, Shape

START = 1_790_000_040.0 // 21600 * 21600  # a step of every ring that matters begins here
NAMES = {1: "alpha", 2: "beta"}


class Clock:
    def __init__(self) -> None:
        self.now_s = START

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(tmp_path: Path, clock: Clock) -> Archive:
    return Archive(tmp_path, NAMES.get, clock)


def hear(archive: Archive, clock: Clock, seconds: float, every_s: float = 2.0, cpu: float = 0.5) -> None:
    end_s = clock.now_s + seconds
    while clock.now_s < end_s:
        archive.hear(1, Sample(clock.now_s, {"cpu": cpu, "memtotal": 8.0}))
        clock.now_s += every_s


def test_a_step_has_the_mean_and_the_greatest(archive: Archive, clock: Clock) -> None:
    for cpu in (0.2, 0.4, 0.9):
        archive.hear(1, Sample(clock.now_s, {"cpu": cpu}))
        clock.now_s += 2
    assert archive.history("alpha", "hour", maximum=False)[-1] == {"time": START, "cpu": pytest.approx(0.5)}
    assert archive.history("alpha", "hour", maximum=True)[-1] == {"time": START, "cpu": pytest.approx(0.9)}


@pytest.mark.parametrize("frame", FRAMES)
def test_a_timeframe_has_a_row_per_step_measured_or_not(frame: str, archive: Archive, clock: Clock) -> None:
    shape, count = FRAMES[frame]
    rows = archive.history("alpha", frame, maximum=False)
    assert len(rows) == count
    assert {after["time"] - before["time"] for before, after in zip(rows, rows[1:], strict=False)} == {shape.step_s}


def test_a_gap_stays_a_gap(archive: Archive, clock: Clock) -> None:
    hear(archive, clock, 120)
    clock.now_s += 180
    hear(archive, clock, 60)
    rows = archive.history("alpha", "hour", maximum=False)[-8:]
    assert ["cpu" in row for row in rows] == [False, True, True, False, False, False, True, False]


def test_an_unknown_node_and_a_moment_to_come_are_not_taken(archive: Archive, clock: Clock) -> None:
    archive.hear(9, Sample(clock.now_s, {"cpu": 1.0}))
    archive.hear(1, Sample(clock.now_s + 86400, {"cpu": 1.0}))
    archive.hear(1, Sample(clock.now_s, {"cpu": 0.5}))
    assert archive.history("alpha", "hour", maximum=False)[-1]["cpu"] == 0.5


def test_a_clock_set_back_leaves_what_was(archive: Archive, clock: Clock) -> None:
    hear(archive, clock, 300)
    clock.now_s -= 240
    hear(archive, clock, 60, cpu=1.0)
    assert all(row.get("cpu", 0.5) == 0.5 for row in archive.history("alpha", "hour", maximum=False))


def test_a_ring_never_holds_more_than_its_size() -> None:
    ring = Ring(Shape(60, 5))
    for step in range(50):
        ring.add(START + 60 * step, {"cpu": step})
    assert [int(values["cpu"]) for _, values in ring.read(0, False)] == [44, 45, 46, 47, 48, 49]


async def test_what_was_is_known_again_after_a_restart(archive: Archive, clock: Clock, tmp_path: Path) -> None:
    hear(archive, clock, 7300, 10)
    before = archive.history("alpha", "day", maximum=False)
    await archive.close()
    again = Archive(tmp_path, NAMES.get, clock)
    assert again.history("alpha", "day", maximum=False)[:-1] == before[:-1]
    assert sum("cpu" in row for row in again.history("alpha", "week", maximum=False)) == 4


def test_a_day_costs_the_disk_a_few_kilobytes_and_years_never_more_than_the_file_s_size(
    archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    written = sum(86400 // shape.step_s * ROW.size for shape in SHAPES[1:])
    assert written < 8 << 10
    for _ in range(3000):
        archive.hear(1, Sample(clock.now_s, {"cpu": 0.5}))
        clock.now_s += 1800
    archive.keep(SHAPES)
    assert (tmp_path / "alpha.rings").stat().st_size <= sum(shape.count * ROW.size for shape in SHAPES)
    again = Archive(tmp_path, NAMES.get, clock)
    assert len(again.rings("alpha")[HALF_HOUR].rows) == HALF_HOUR.count


def test_a_disk_that_cannot_keep_is_no_reason_to_stop(clock: Clock, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "no" / "folder", NAMES.get, clock)
    hear(archive, clock, 300)
    archive.keep(SHAPES)
    assert len(archive.rings("alpha")[MINUTE].rows) == 4


def test_a_file_that_is_nonsense_is_an_empty_past_or_a_short_one(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "alpha.rings").write_bytes(b"\xff" * 999)
    archive = Archive(tmp_path, NAMES.get, clock)
    hear(archive, clock, 60)
    assert archive.history("alpha", "hour", maximum=False)[-1]["time"] == clock.now_s
