"""What about a host does not change."""

import os
import platform

from cluster.node import host_facts
from cluster.node.host_facts import read_facts

PROCESSOR = """processor\t: {0}
vendor_id\t: Example
model name\t: Example CPU
physical id\t: {1}
core id\t\t: 0
flags\t\t: fpu svm
"""
TWO_SOCKETS = "\n".join(PROCESSOR.format(number, number // 2) for number in range(4))


def test_the_kernel_is_the_one_that_runs():
    facts = read_facts()
    assert facts["current-kernel"]["release"] == platform.release() and platform.release() in facts["kversion"]
    assert facts["cpuinfo"]["cpus"] >= 1 and facts["cpuinfo"]["user_hz"] == os.sysconf("SC_CLK_TCK")
    assert facts["boot-info"]["mode"] in ("efi", "legacy-bios")


def test_threads_cores_and_sockets_are_told_apart(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text(TWO_SOCKETS)
    monkeypatch.setattr(host_facts, "CPUINFO", tmp_path / "cpuinfo")
    cpu = read_facts()["cpuinfo"]
    assert (cpu["cpus"], cpu["cores"], cpu["sockets"], cpu["hvm"], cpu["model"]) == (4, 2, 2, 1, "Example CPU")


def test_a_host_that_says_nothing_about_its_processor_still_has_one(monkeypatch, tmp_path):
    monkeypatch.setattr(host_facts, "CPUINFO", tmp_path / "missing")
    cpu = read_facts()["cpuinfo"]
    assert cpu["cpus"] >= 1 and cpu["sockets"] == 1 and cpu["model"] == "unknown"
