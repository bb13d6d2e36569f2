"""What two readings of a link's counters say of its latency and loss."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from cluster.engine.base import LinkCount
from cluster.node.link_readings import LinkReadings, latency_between, loss_between

LIMIT = 2048  # samples in corosync's average


class Corosync:
    """Counts pings as libknet does: one average in whole microseconds over at most 2048 samples."""

    def __init__(self, samples: int = 0, average_us: int = 0) -> None:
        self.count = LinkCount(2, 0, True, average_us, average_us, samples, samples, samples)

    def answered(self, took_us: float, times: int = 1) -> LinkCount:
        for _ in range(times):
            now = self.count
            samples = min(LIMIT, now.latency_samples + 1)
            average = ((now.latency_ave_us or 0) * (samples - 1) + round(took_us)) // samples
            self.count = replace(
                now, latency_ave_us=average, latency_samples=samples, pings=now.pings + 1, pongs=now.pongs + 1
            )
        return self.count


@pytest.mark.parametrize("samples", [0, 5, 100, 1000, LIMIT])
def test_a_delay_of_8_ms_is_seen_within_a_few_pings_however_old_the_average(samples: int) -> None:
    link = Corosync(samples, 150)
    before, now = link.count, link.answered(8150, 4)
    found = latency_between(before, now)
    assert found is not None and found == pytest.approx(8150, rel=0.2)


@pytest.mark.parametrize("samples", [1, 20, 500, LIMIT])
def test_a_steady_link_shows_the_average(samples: int) -> None:
    draw = random.Random(7)
    link = Corosync(samples, 150)
    before = link.count
    for _ in range(6):
        link.answered(150 + draw.randrange(-20, 20))
    found = latency_between(before, link.count)
    assert found is not None and found == pytest.approx(150, abs=40)


def test_without_answers_the_average_is_all_there_is() -> None:
    link = Corosync(10, 200)
    assert latency_between(link.count, replace(link.count, pings=14)) == 200


def test_the_ping_that_is_under_way_is_not_lost() -> None:
    before = LinkCount(2, 0, True, pings=100, pongs=100)
    assert loss_between(before, replace(before, pings=140, pongs=139)) == 0
    assert loss_between(before, replace(before, pings=140, pongs=119)) == 0.5
    assert loss_between(before, replace(before, pings=103, pongs=100)) is None


def test_a_link_that_is_down_has_no_latency_and_an_engine_begun_anew_starts_over() -> None:
    readings, link = LinkReadings(), Corosync(50, 300)
    readings.next(0.0, (link.count,))
    (down,) = readings.next(4.0, (replace(link.count, connected=False, pings=60, flaps=1),))
    assert (down.connected, down.latency_us, down.flaps) == (False, None, 1)
    assert down.loss == 0.9
    (anew,) = readings.next(5.0, (Corosync(1, 120).count,))
    assert (anew.latency_us, anew.loss) == (120, None)


def test_loss_is_forgotten_after_half_a_minute() -> None:
    readings, link = LinkReadings(), LinkCount(2, 0, True)
    readings.next(0.0, (link,))
    (lossy,) = readings.next(10.0, (replace(link, pings=20, pongs=9),))
    assert lossy.loss == 0.5
    readings.next(20.0, (replace(link, pings=40, pongs=29),))
    (well,) = readings.next(45.0, (replace(link, pings=90, pongs=79),))
    assert well.loss == 0
