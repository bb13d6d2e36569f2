"""/nodes/{node}/report: what somebody who is asked for help wants to see of a node, as one text."""

from __future__ import annotations

from typing import Any

from cluster.control.node_requests import HostDns, HostNames, HostServices, HostTime
from cluster.control.requests import ClusterConfig, EngineReport, Interfaces, NodeFacts, Request, Version
from cluster.errors import QuireError
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint
from datacenter.api.nodes import NodeParameters
from datacenter.api.permission import NODE_AUDIT

PARTS: tuple[tuple[str, Request], ...] = (
    ("version", Version()),
    ("host", NodeFacts()),
    ("time", HostTime()),
    ("name servers", HostDns()),
    ("names", HostNames()),
    ("interfaces", Interfaces()),
    ("services", HostServices()),
    ("configuration of the cluster", ClusterConfig()),
    ("engine", EngineReport()),
)


async def report(_call: Call, asked: NodeParameters) -> str:
    text = f"Report of node {asked.node}\n"
    for title, request in PARTS:
        try:
            told = "\n".join(_lines(await gateway.call(request)))
        except QuireError as error:
            told = error.message
        text += f"\n==== {title} ====\n\n{told}\n"
    return text


def _lines(value: Any, indent: str = "") -> list[str]:
    """Plain data as indented lines."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = ((str(number), each) for number, each in enumerate(value, 1))  # type: ignore[assignment]
    else:
        return [f"{indent}{line}" for line in str(value).splitlines()]
    lines: list[str] = []
    for key, each in pairs:
        if isinstance(each, dict | list) or "\n" in str(each):
            lines += [f"{indent}{key}:", *_lines(each, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {each}")
    return lines


ENDPOINTS = (
    Endpoint(
        "GET", "/nodes/{node}/report", "A node in one text, for who is asked for help.", report, NODE_AUDIT,
        NodeParameters, str, on_node=True,
    ),
)  # fmt: skip
