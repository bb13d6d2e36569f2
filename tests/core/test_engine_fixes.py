"""Whether corosync's version says that it has the fixes of its advisories, and what is said where it does not."""

from __future__ import annotations

import re

import pytest

from cluster.core.engine_fixes import about_engine_fixes
from cluster.core.preflight import about_versions
from cluster.core.survey import NodeFacts


def node(corosync: str, package: str = "", name: str = "alpha") -> NodeFacts:
    return NodeFacts(name, corosync=corosync, corosync_package=package)


@pytest.mark.parametrize(
    ("corosync", "package"),
    [("3.1.7", "3.1.7-1+deb12u2"), ("3.1.7", "3.1.7-1+deb12u3"), ("3.1.7", "3.1.7-1+deb12u10"), ("3.1.11", ""),
     ("3.2.0", ""), ("4.0.0", "4.0.0-1")],
)  # fmt: skip
def test_t60_an_engine_with_the_fixes_is_in_order(corosync: str, package: str) -> None:
    (found,) = about_engine_fixes([node(corosync, package)])
    assert (found.code, found.severity, found.sentence[-5:]) == ("engine-fixes", "ok", "here.")


@pytest.mark.parametrize(
    ("corosync", "package"),
    [("3.1.7", "3.1.7-1"), ("3.1.7", "3.1.7-1+deb12u1"), ("3.1.6", "3.1.6-1ubuntu1"), ("3.1.2", "3.1.2-2+deb11u1"),
     ("2.4.5", ""), ("3.1", "")],
)  # fmt: skip
def test_t60_an_engine_without_the_fixes_is_told_of_with_what_to_do(corosync: str, package: str) -> None:
    (found,) = about_engine_fixes([node(corosync, package)])
    assert (found.code, found.severity, found.node) == ("engine-fixes", "warning", "alpha")
    assert (package or corosync) in found.sentence and "CVE-2026-35092" in found.sentence
    assert "3.1.7-1+deb12u2" in found.advice and found.why


@pytest.mark.parametrize(
    ("corosync", "package"),
    [("3.1.7", ""), ("3.1.7", "3.1.7-1ubuntu3.1"), ("3.1.9", "3.1.9-2"), ("3.1.10", ""), ("3.1.7", "3.1.7-1~bpo11+1")],
)
def test_t60_where_a_version_does_not_tell_that_is_said_and_nothing_claimed(corosync: str, package: str) -> None:
    (found,) = about_engine_fixes([node(corosync, package)])
    assert (found.severity, found.node) == ("info", "alpha") and "changelog" in found.advice


def test_t60_each_node_of_a_cluster_is_looked_at() -> None:
    old, new = node("3.1.7", "3.1.7-1", "beta"), node("3.1.7", "3.1.7-1+deb12u2")
    (found,) = [one for one in about_versions([new, old]) if one.code == "engine-fixes"]
    assert found.node == "beta"
    (found,) = [one for one in about_versions([new, new]) if one.code == "engine-fixes"]
    assert found.severity == "ok" and found.sentence.endswith("on all nodes.")


def test_t60_nodes_of_one_version_are_told_of_together() -> None:
    many = [node("3.1.7", "3.1.7-1", f"node{n}") for n in range(6)]
    (found,) = about_engine_fixes([*many, node("3.1.7", "3.1.7-1+deb12u2")])
    assert "on node0, node1, node2, node3 and 2 more lacks" in found.sentence


def test_t60_nodes_without_corosync_have_nothing_to_fix() -> None:
    assert about_engine_fixes([node(""), node("", name="beta")]) == []


def test_cve_2025_30472_debian_s_first_3_1_7_is_told_of() -> None:
    assert lacking("3.1.7-1") == ["CVE-2025-30472", "CVE-2026-35091", "CVE-2026-35092"]
    assert "CVE-2025-30472" not in lacking("3.1.7-1+deb12u1")


def test_cve_2026_35091_one_update_of_debian_s_3_1_7_is_not_enough() -> None:
    assert "CVE-2026-35091" in lacking("3.1.7-1+deb12u1") and lacking("3.1.7-1+deb12u2") == []


def test_cve_2026_35092_one_update_of_debian_s_3_1_7_is_not_enough() -> None:
    assert "CVE-2026-35092" in lacking("3.1.7-1+deb12u1") and lacking("3.1.7-1+deb12u2") == []


def lacking(package: str) -> list[str]:
    (found,) = about_engine_fixes([node("3.1.7", package)])
    return re.findall(r"CVE-[0-9-]+", found.sentence)
