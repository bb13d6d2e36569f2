"""Requests about alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access.sections import Section
from cluster.control.alert_requests import AlertRemove, Alerts, AlertSet, AlertTest
from cluster.control.conversation import Handler
from cluster.control.requests import Request

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    alerting = node.alerting

    async def shown(request: Alerts) -> Any:
        return alerting.shown()

    async def put(request: AlertSet) -> Any:
        section = Section(request.type, request.id, dict(request.properties))
        value = None if request.value is None else request.value.reveal()
        await alerting.change(section, request.type, request.id, value, request.user)

    async def remove(request: AlertRemove) -> Any:
        await alerting.change(None, request.type, request.id, None, request.user)

    async def test(request: AlertTest) -> Any:
        told = await alerting.test(request.type, request.id)
        return {"arrived": told.arrived, "answer": told.answer}

    return {Alerts: shown, AlertSet: put, AlertRemove: remove, AlertTest: test}
