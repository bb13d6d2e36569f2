"""Requests of the flight recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.flight_requests import FlightEvents
from cluster.control.requests import Request

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def events(request: FlightEvents) -> Any:
        return await node.flight.events(request)

    return {FlightEvents: events}
