"""Requests that look whether all is well: this node by itself, and all nodes compared."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import CheckNode, Request, VerifyCluster, as_plain
from cluster.node import disk_findings
from cluster.node.verification import Verification
from cluster.workflow.preflight import inspect_now

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    verification = Verification(node)

    async def check(request: CheckNode) -> Any:
        found = await inspect_now(node.host)
        found += await asyncio.to_thread(disk_findings.findings, node.options.store, node.health.trouble)
        return [{"code": each.code, "severity": each.severity, "sentence": each.sentence} for each in found]

    async def verify(request: VerifyCluster) -> Any:
        heard, findings = await verification.verify()
        document = node.document()
        rows = []
        for member in document.nodes() if document is not None else ():
            one = heard.get(member.node_id)
            row: dict[str, Any] = {"name": member.name, "online": one is not None}
            if one is not None:
                said = one.said
                row |= {
                    "config_version": said.config_version,
                    "config_digest": said.config_digest,
                    "revision": [said.epoch, said.index],
                    "store_digest": said.store_digest,
                    "version": said.version,
                    "clock_ms": round(one.clock_s * 1000),
                }
            rows.append(row)
        return {"nodes": rows, "findings": as_plain(findings)}

    return {CheckNode: check, VerifyCluster: verify}
