"""/nodes/{node}/…: what a node's host tells of itself. Asked of that node's daemon, which reads it from the host."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType, field

from cluster.control.node_requests import (
    HostDns,
    HostJournal,
    HostNames,
    HostServices,
    HostTime,
    NodeCertificates,
)
from cluster.control.requests import Interfaces, StoreRead
from cluster.errors import InvalidInput, NotFound
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Listed, OpenRow, Parameters, Row
from datacenter.api.formats import read_key_values
from datacenter.api.nodes import Interface, NodeParameters, interface_row
from datacenter.api.parameters import HEADLINE
from datacenter.api.permission import NODE_AUDIT, SIGNED_IN, perm
from datacenter.api.tasks import LogLine
from datacenter.api.types import Count, Filter, InterfaceName, Moment, NodeName, ServiceName, Time

SYSLOG = perm("/nodes/{node}", "Sys.Syslog")


class ServiceParameters(Parameters, kw_only=True):
    node: NodeName
    service: ServiceName


class InterfaceParameters(Parameters, kw_only=True):
    node: NodeName
    iface: InterfaceName


class SyslogParameters(Parameters, kw_only=True):
    node: NodeName
    start: Count = 0
    limit: Count = 50
    since: Moment | None = None
    until: Moment | None = None
    service: ServiceName | None = None


class ConfigParameters(Parameters, kw_only=True):
    node: NodeName
    property: Filter | None = None


class JournalParameters(Parameters, kw_only=True):
    node: NodeName
    lastentries: Count | None = None
    since: Time | None = None
    until: Time | None = None


class Clock(Row):
    time: int
    localtime: int
    timezone: str


class Dns(Row):
    search: str | UnsetType = UNSET
    dns1: str | UnsetType = UNSET
    dns2: str | UnsetType = UNSET
    dns3: str | UnsetType = UNSET


class Names(Row):
    data: str
    digest: str


class Service(Row):
    name: str
    service: str
    desc: str
    state: Literal["running", "dead"]
    active_state: str = field(name="active-state")
    unit_state: str = field(name="unit-state")


class Certificate(Row):
    filename: str
    subject: str
    issuer: str
    fingerprint: str
    notbefore: int
    notafter: int
    san: list[str]
    public_key_type: str = field(name="public-key-type")
    public_key_bits: int = field(name="public-key-bits")
    pem: str


class Subscription(Row):
    status: Literal["notfound"]
    message: str


class NodeConfig(OpenRow):
    digest: str
    description: str | UnsetType = UNSET


async def clock(_call: Call, _asked: NodeParameters) -> Any:
    return await gateway.call(HostTime())


async def dns(_call: Call, _asked: NodeParameters) -> Any:
    return await gateway.call(HostDns())


async def names(_call: Call, _asked: NodeParameters) -> Any:
    return await gateway.call(HostNames())


async def services(_call: Call, _asked: NodeParameters) -> Any:
    return await gateway.call(HostServices())


async def service_state(_call: Call, asked: ServiceParameters) -> Any:
    rows = await gateway.call(HostServices())
    found = next((row for row in rows if asked.service in (row["name"], row["service"])), None)
    if found is None:
        raise InvalidInput(HEADLINE, fields={"service": "is not a service of this list"})
    return found


async def interface(_call: Call, asked: InterfaceParameters) -> Any:
    rows = [interface_row(row) for row in await gateway.call(Interfaces())]
    found = next((row for row in rows if row["iface"] == asked.iface), None)
    if found is None:
        raise NotFound(f"there is no interface '{asked.iface}' with an address on node '{asked.node}'")
    return found


async def syslog(call: Call, asked: SyslogParameters) -> Listed:
    wanted = HostJournal(
        start=asked.start, limit=asked.limit, service=asked.service, user=call.user,
        since=_seconds("since", asked.since), until=_seconds("until", asked.until),
    )  # fmt: skip
    read = await gateway.call(wanted)
    lines = [{"n": number, "t": text} for number, text in enumerate(read["lines"], asked.start + 1)]
    return Listed(lines or [{"n": 1, "t": "no content"}], read["total"])


def _seconds(name: str, moment: str | None) -> int | None:
    """Of this host's clock, which is the one that was asked for."""
    try:
        return None if moment is None else int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError):
        raise InvalidInput(HEADLINE, fields={name: "is no date of the calendar"}) from None


async def journal(call: Call, asked: JournalParameters) -> list[str]:
    wanted = HostJournal(limit=0, last=asked.lastentries, since=asked.since, until=asked.until, user=call.user)
    return (await gateway.call(wanted))["lines"]


async def certificates(_call: Call, _asked: NodeParameters) -> Any:
    return await gateway.call(NodeCertificates())


async def subscription(_call: Call, _asked: NodeParameters) -> Subscription:
    return Subscription(status="notfound", message="Quire needs no subscription.")


async def config(call: Call, asked: ConfigParameters) -> dict[str, Any]:
    try:
        read = await gateway.call(StoreRead(f"nodes/{asked.node}/config", user=call.user))
    except NotFound:
        return {"digest": ""}
    kept = read_key_values(read["data"].decode("utf-8", "replace"))
    described = {"description": kept.description} if kept.description else {}
    chosen = {name: value for name, value in {**kept.values, **described}.items() if asked.property in (None, name)}
    return {**chosen, "digest": read["digest"]}


def _on_node(
    path: str, summary: str, handler: Any, permission: Any, returns: Any, parameters: Any = NodeParameters
) -> Any:
    return Endpoint("GET", f"/nodes/{{node}}/{path}", summary, handler, permission, parameters, returns, on_node=True)


ENDPOINTS = (
    _on_node("time", "The host's clock and time zone.", clock, NODE_AUDIT, Clock),
    _on_node("dns", "The host's name servers.", dns, NODE_AUDIT, Dns),
    _on_node("hosts", "The host's own list of names.", names, NODE_AUDIT, Names),
    _on_node("services", "Services a cluster leans on.", services, NODE_AUDIT, list[Service]),
    _on_node("services/{service}/state", "One service.", service_state, NODE_AUDIT, Service, ServiceParameters),
    _on_node("network/{iface}", "One interface.", interface, NODE_AUDIT, Interface, InterfaceParameters),
    _on_node("syslog", "The host's journal in parts.", syslog, SYSLOG, list[LogLine], SyslogParameters),
    _on_node("journal", "The host's journal.", journal, SYSLOG, list[str], JournalParameters),
    _on_node("certificates/info", "The node's certificates.", certificates, SIGNED_IN, list[Certificate]),
    _on_node("subscription", "There is none.", subscription, SIGNED_IN, Subscription),
    _on_node("config", "The node's own options.", config, NODE_AUDIT, NodeConfig, ConfigParameters),
)  # fmt: skip
