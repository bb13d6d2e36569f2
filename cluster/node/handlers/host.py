"""Requests about this host: its time, names, services, journal and certificates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.node_requests import (
    GuestIds,
    HostDns,
    HostJournal,
    HostNames,
    HostServices,
    HostTime,
    NodeCertificates,
    Pools,
    QdeviceStatus,
)
from cluster.control.requests import Request
from cluster.node import host_settings, journal, qdevice, services
from cluster.node.certificate_list import list_certificates

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def time(request: HostTime) -> Any:
        return host_settings.clock()

    async def dns(request: HostDns) -> Any:
        return host_settings.dns()

    async def names(request: HostNames) -> Any:
        return host_settings.names()

    async def list_services(request: HostServices) -> Any:
        return await asyncio.to_thread(services.list_services)

    async def read_journal(request: HostJournal) -> Any:
        node.access.rights.demand(request.user, f"/nodes/{node.options.name}", "Sys.Syslog")
        return await asyncio.to_thread(journal.read, request)

    async def certificates(request: NodeCertificates) -> Any:
        return list_certificates(node.life.tree, node.options.name)

    async def guest_ids(request: GuestIds) -> Any:
        return sorted(node.life.tree.guests)

    async def pools(request: Pools) -> Any:
        return [
            {"poolid": name, "comment": pool.comment, "guests": list(pool.guests), "storages": list(pool.storages)}
            for name, pool in sorted(node.access.directory.users().pools.items())
            if node.access.rights.may(request.user, f"/pool/{name}", "Pool.Audit")
        ]

    async def qdevice_status(request: QdeviceStatus) -> Any:
        return await qdevice.status()

    return {
        HostTime: time,
        HostDns: dns,
        HostNames: names,
        HostServices: list_services,
        HostJournal: read_journal,
        NodeCertificates: certificates,
        GuestIds: guest_ids,
        Pools: pools,
        QdeviceStatus: qdevice_status,
    }
