"""Reads this host's figures: each sampler lists its metrics (name, unit, counter or instant) and fills them in.

Counters only ever rise; what they mean per second, or as a share, is worked out by whoever compares two samples
(`rates.py`). A figure the host does not have is absent, never zero. What never changes is `host_facts.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import psutil

SYSFS_NET = Path("/sys/class/net")
PRESSURE = Path("/proc/pressure")


@dataclass(frozen=True, slots=True)
class Metric:
    """What one number means. A counter rises from an arbitrary start; an instant is a reading of now."""

    name: str
    unit: Literal["bytes", "seconds", "cpus", "load", "percent", "share", "bytes/s"]
    kind: Literal["instant", "counter"] = "instant"


class Sampler(Protocol):
    """One source of figures. `read` adds to `values` under the names of `metrics`; it may leave some out."""

    @property
    def metrics(self) -> tuple[Metric, ...]: ...

    def read(self, values: dict[str, float]) -> None: ...


class CpuSampler:
    """Processor seconds of all processors together, since boot."""

    metrics = (
        Metric("cpu_busy_s", "seconds", "counter"),
        Metric("cpu_wait_s", "seconds", "counter"),
        Metric("cpu_total_s", "seconds", "counter"),
        Metric("maxcpu", "cpus"),
    )

    def read(self, values: dict[str, float]) -> None:
        times = psutil.cpu_times()
        # Guests' time is part of user and nice already.
        total_s = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        values["cpu_total_s"] = total_s
        values["cpu_wait_s"] = times.iowait
        values["cpu_busy_s"] = total_s - times.idle - times.iowait
        values["maxcpu"] = psutil.cpu_count() or 1


class LoadSampler:
    """The run queue's average length over 1, 5 and 15 minutes."""

    metrics = (Metric("loadavg1", "load"), Metric("loadavg5", "load"), Metric("loadavg15", "load"))

    def read(self, values: dict[str, float]) -> None:
        values["loadavg1"], values["loadavg5"], values["loadavg15"] = psutil.getloadavg()


class MemorySampler:
    """Memory and swap. `memused` is what cannot be had back by dropping caches."""

    metrics = (
        Metric("memtotal", "bytes"),
        Metric("memused", "bytes"),
        Metric("memfree", "bytes"),
        Metric("memavailable", "bytes"),
        Metric("swaptotal", "bytes"),
        Metric("swapused", "bytes"),
        Metric("swapfree", "bytes"),
    )

    def read(self, values: dict[str, float]) -> None:
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        values["memtotal"], values["memfree"] = memory.total, memory.free
        values["memavailable"] = memory.available
        values["memused"] = memory.total - memory.available
        values["swaptotal"], values["swapused"], values["swapfree"] = swap.total, swap.used, swap.free


class RootDiskSampler:
    """The file system at /. `rootavail` is what an ordinary process may still use."""

    metrics = (
        Metric("roottotal", "bytes"),
        Metric("rootused", "bytes"),
        Metric("rootavail", "bytes"),
    )

    def read(self, values: dict[str, float]) -> None:
        usage = psutil.disk_usage("/")
        values["roottotal"], values["rootused"], values["rootavail"] = usage.total, usage.used, usage.free


class NetworkSampler:
    """Bytes that entered and left this host. A frame through a bridge or bond is counted once, at its port."""

    metrics = (Metric("netin", "bytes", "counter"), Metric("netout", "bytes", "counter"))

    def read(self, values: dict[str, float]) -> None:
        counted = psutil.net_io_counters(pernic=True, nowrap=False)
        chosen = _outermost(set(counted))
        values["netin"] = sum(counted[name].bytes_recv for name in chosen)
        values["netout"] = sum(counted[name].bytes_sent for name in chosen)


class UptimeSampler:
    """Seconds since the kernel started."""

    metrics = (Metric("uptime", "seconds"),)

    def read(self, values: dict[str, float]) -> None:
        values["uptime"] = time.clock_gettime(time.CLOCK_BOOTTIME)


class PressureSampler:
    """Share of the last ten seconds in which some, or all, work waited for a resource; where the kernel tells."""

    metrics = (
        Metric("pressurecpusome", "percent"),
        Metric("pressureiosome", "percent"),
        Metric("pressureiofull", "percent"),
        Metric("pressurememorysome", "percent"),
        Metric("pressurememoryfull", "percent"),
    )

    def read(self, values: dict[str, float]) -> None:
        listed = {metric.name for metric in self.metrics}
        for resource in ("cpu", "io", "memory"):
            for kind, percent in _pressure(resource):
                if (name := f"pressure{resource}{kind}") in listed:
                    values[name] = percent


SAMPLERS: tuple[Sampler, ...] = (
    CpuSampler(),
    LoadSampler(),
    MemorySampler(),
    RootDiskSampler(),
    NetworkSampler(),
    UptimeSampler(),
    PressureSampler(),
)
METRICS: dict[str, Metric] = {metric.name: metric for sampler in SAMPLERS for metric in sampler.metrics}


def read_figures(samplers: tuple[Sampler, ...] = SAMPLERS) -> dict[str, float]:
    """All figures of now. A sampler whose source fails is left out of this sample, the others are not."""
    values: dict[str, float] = {}
    for sampler in samplers:
        try:
            sampler.read(values)
        except (OSError, ValueError):
            continue
    return values


def _outermost(names: set[str]) -> set[str]:
    """The interfaces through which this host's traffic leaves: its cards, or without any (a container), all that
    stand on no other."""
    names = names - {"lo"}
    cards = {name for name in names if (SYSFS_NET / name / "device").exists()}
    return cards or {name for name in names if not any(SYSFS_NET.glob(f"{name}/lower_*"))}


def _pressure(resource: str) -> Iterator[tuple[str, float]]:
    try:
        text = (PRESSURE / resource).read_text(encoding="ascii")
    except OSError:
        return  # a kernel without pressure information
    for line in text.splitlines():
        kind, average, *_ = line.split()
        yield kind, float(average.removeprefix("avg10="))
