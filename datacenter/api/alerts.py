"""/cluster/alerts: what is wrong now, and the rules, targets and silences. Quire's own; Proxmox VE has no such path."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from cluster.control.alert_requests import AlertRemove, Alerts, AlertSet, AlertTest
from cluster.secret import Secret
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, OpenRow, Parameters, Row
from datacenter.api.permission import AUDIT, perm
from datacenter.api.types import Flag, NodeName, Text, Time

Kind = Literal[
    "quorum-lost", "node-gone", "link-down", "latency", "store-read-only", "disk", "certificate", "clock",
    "witness-gone", "task-failed",
]  # fmt: skip
Type = Literal["rule", "smtp", "webhook", "ntfy", "gotify", "silence"]
Id = Annotated[
    str,
    Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", description="letters, digits, . - _"),
]
MODIFY = perm("/", "Sys.Modify")


class SettingParameters(Parameters, kw_only=True):
    type: Type
    id: Id


class SetParameters(SettingParameters, kw_only=True):
    disable: bool = False
    local: bool = False
    threshold: Time | None = None
    about: Kind | None = None
    node: NodeName | None = None
    until: Time | None = None
    comment: Text | None = None
    url: Text | None = None
    template: Text | None = None
    server: Text | None = None
    port: Time | None = None
    mode: Literal["insecure", "starttls", "tls"] | None = None
    username: Text | None = None
    mailfrom: Text | None = None
    mailto: Text | None = None
    secret: Text | None = None


class AlertRow(Row, kw_only=True):
    """`told` says whether a target was told of it; `silenced` that nobody is for now."""

    key: str
    kind: str
    node: str
    sentence: str
    since: float
    told: Flag
    silenced: Flag


class SettingRow(OpenRow):
    """A rule, target or silence with the settings of its type; of a secret only that there is one."""

    type: str
    id: str
    secret: Flag


class Tested(Row):
    arrived: Flag
    answer: str | UnsetType = UNSET


async def alerts(call: Call, _asked: Parameters) -> list[dict[str, Any]]:
    found = await gateway.call(Alerts(user=call.user))
    return [
        {**{name: one[name] for name in ("key", "kind", "node", "sentence")}, "since": one["since_s"],
         "told": int(one["told"]), "silenced": int(one["silenced"])}
        for one in found["current"]
    ]  # fmt: skip


async def settings(call: Call, _asked: Parameters) -> list[dict[str, Any]]:
    found = await gateway.call(Alerts(user=call.user))
    return [{**one, "secret": int(one["secret"])} for one in found["settings"]]


async def put(call: Call, asked: SetParameters) -> None:
    names = {"mailfrom": "from", "mailto": "to"}
    given = {name: getattr(asked, name) for name in asked.__struct_fields__ if name not in ("type", "id", "secret")}
    plain = {names.get(name, name): _text(value) for name, value in given.items() if value not in (None, False, "")}
    value = None if asked.secret is None else Secret(asked.secret)
    await gateway.call(AlertSet(asked.type, asked.id, plain, value, call.user))


async def remove(call: Call, asked: SettingParameters) -> None:
    await gateway.call(AlertRemove(asked.type, asked.id, call.user))


async def test(call: Call, asked: SettingParameters) -> dict[str, Any]:
    told = await gateway.call(AlertTest(asked.type, asked.id, call.user), timeout_s=60)
    return {"arrived": int(told["arrived"]), "answer": told["answer"]}


def _text(value: Any) -> str:
    return "1" if value is True else str(value)


_SETTING = "/cluster/alerts/settings/{type}/{id}"
ENDPOINTS = (
    Endpoint("GET", "/cluster/alerts/current", "What is wrong now.", alerts, AUDIT, returns=list[AlertRow]),
    Endpoint(
        "GET", "/cluster/alerts/settings", "Rules, targets and silences.", settings, AUDIT, returns=list[SettingRow]
    ),
    Endpoint("PUT", _SETTING, "Make or replace a rule, target or silence.", put, MODIFY, SetParameters, secret=True),
    Endpoint("DELETE", _SETTING, "Remove a rule, target or silence.", remove, MODIFY, SettingParameters),
    Endpoint("POST", _SETTING, "Try a target: send to it now.", test, MODIFY, SettingParameters, Tested),
)  # fmt: skip
