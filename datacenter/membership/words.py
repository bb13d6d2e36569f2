"""The links of a cluster as pages count them, and findings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.model import ClusterState


def link_numbers(cluster: ClusterState) -> list[int]:
    """The links any node has, in order: the columns of the table of nodes."""
    return sorted({link.number for node in cluster.nodes for link in node.links})


SEVERITIES = ("error", "warning", "info", "ok")


def worst_first(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What wants attention before what is well, each in the order in which it was found."""
    return sorted(findings, key=lambda each: SEVERITIES.index(each["severity"]))


def severities(findings: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many there are of each severity."""
    return {name: sum(each["severity"] == name for each in findings) for name in SEVERITIES}


def severity_level(severity: str) -> str:
    """The level whose colour and shape a finding has."""
    return {"error": "bad", "warning": "warning", "info": "info", "ok": "good"}.get(severity, "unknown")
