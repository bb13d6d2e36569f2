"""The figures of this host, and what two readings make of them."""

import subprocess

import pytest

from cluster.model import Sample
from cluster.node import samplers
from cluster.node.rates import SHARED, Readings, sample_between
from cluster.node.samplers import METRICS, SAMPLERS, read_figures


def test_every_figure_read_is_listed_with_its_unit():
    values = read_figures()
    assert set(values) <= set(METRICS)
    assert {"cpu_busy_s", "maxcpu", "loadavg15", "memtotal", "roottotal", "netin", "netout", "uptime"} <= set(values)


def test_metric_names_are_used_once():
    names = [metric.name for sampler in SAMPLERS for metric in sampler.metrics]
    assert len(names) == len(set(names))


def test_counters_do_not_fall_between_two_readings():
    first, second = read_figures(), read_figures()
    assert all(second[name] >= first[name] for name, metric in METRICS.items() if metric.kind == "counter")


def test_figures_agree_with_the_system_s_own_tools():
    values = read_figures()
    total_kib = int(subprocess.run(["free", "-k"], capture_output=True, text=True).stdout.split()[7])
    assert values["memtotal"] == total_kib * 1024
    assert 0 < values["memused"] < values["memtotal"]
    assert values["maxcpu"] == int(subprocess.run(["nproc", "--all"], capture_output=True, text=True).stdout)
    assert values["rootused"] + values["rootavail"] <= values["roottotal"]


def test_a_source_that_fails_leaves_the_others_alone():
    class Broken:
        metrics = ()

        def read(self, values):
            raise OSError("no such device")

    assert set(read_figures((Broken(), samplers.UptimeSampler()))) == {"uptime"}


def test_a_kernel_without_pressure_information_has_no_pressure_figures(monkeypatch, tmp_path):
    monkeypatch.setattr(samplers, "PRESSURE", tmp_path)
    assert not any(name.startswith("pressure") for name in read_figures())
    (tmp_path / "io").write_text(
        "some avg10=12.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=3.00 avg60=0 avg300=0 total=1\n"
    )
    values = read_figures()
    assert (values["pressureiosome"], values["pressureiofull"]) == (12.5, 3.0)


def test_traffic_through_a_bridge_is_counted_at_its_port(monkeypatch, tmp_path):
    monkeypatch.setattr(samplers, "SYSFS_NET", tmp_path)
    (tmp_path / "eno1" / "device").mkdir(parents=True)
    (tmp_path / "vmbr0" / "lower_eno1").mkdir(parents=True)
    assert samplers._outermost({"lo", "eno1", "vmbr0"}) == {"eno1"}


def test_in_a_container_traffic_is_counted_where_nothing_lies_beneath(monkeypatch, tmp_path):
    monkeypatch.setattr(samplers, "SYSFS_NET", tmp_path)
    (tmp_path / "bond0" / "lower_veth0").mkdir(parents=True)
    assert samplers._outermost({"lo", "veth0", "bond0"}) == {"veth0"}


EARLIER = Sample(100.0, {"cpu_busy_s": 10.0, "cpu_wait_s": 1.0, "cpu_total_s": 100.0, "netin": 1000, "netout": 0})
LATER = Sample(
    110.0, {"cpu_busy_s": 15.0, "cpu_wait_s": 2.0, "cpu_total_s": 120.0, "netin": 6000, "netout": 0, "uptime": 7}
)


def test_two_readings_give_shares_and_rates():
    values = sample_between(EARLIER, LATER).values
    assert values == {"cpu": 0.25, "wait": 0.05, "netin_rate": 500.0, "netout_rate": 0.0, "uptime": 7}


def test_one_reading_gives_instants_only():
    assert sample_between(None, LATER) == Sample(110.0, {"uptime": 7})


def test_a_counter_that_fell_gives_no_rate():
    assert sample_between(LATER, Sample(120.0, EARLIER.values)).values == {"netout_rate": 0.0}


@pytest.mark.parametrize("time_s", [110.0, 90.0])
def test_a_clock_that_stood_still_or_went_back_gives_no_rate(time_s):
    values = sample_between(LATER, Sample(time_s, LATER.values)).values
    assert "netin_rate" not in values and "cpu" not in values


def test_what_is_shared_is_described():
    assert set(sample_between(EARLIER, LATER).values) <= set(SHARED)


def test_readings_in_a_row_have_rates_from_the_second_on():
    readings = Readings()
    first, second = readings.next(100.0), readings.next(102.0)
    assert "netin_rate" not in first.values and second.values["netin_rate"] >= 0
    assert "memtotal" in first.values and set(second.values) <= set(SHARED)
