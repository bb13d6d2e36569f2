"""This host's own addresses as choices for a link, and which one to offer first. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """An address a link may use. `network` is `10.0.0.1/24`; `advice` a sentence, or empty."""

    address: str
    network: str
    interface: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class LinkChoice:
    """A link of the cluster one joins: the peer's address on it, and this node's most likely one."""

    number: int
    peer_address: str
    address: str


def choices(interfaces: Iterable[dict[str, Any]]) -> list[Choice]:
    """From the result of the Interfaces request."""
    return [
        Choice(one[address], one.get(network) or one[address], one["iface"], one.get("advice") or "")
        for one in interfaces
        for address, network in (("address", "cidr"), ("address6", "cidr6"))
        if one.get(address)
    ]


def for_links(links: Iterable[dict[str, Any]], offered: list[Choice], own: str) -> list[LinkChoice]:
    """For each link of an invitation the address in the peer's network, else this node's usual one for the first."""
    found = []
    for place, link in enumerate(links):
        peer = link.get("peer_address") or ""
        likely = next((choice.address for choice in offered if shares_network(choice.network, peer)), "")
        found.append(LinkChoice(link["number"], peer, likely or (own if place == 0 else "")))
    return found


def shares_network(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_interface(network).network
    except ValueError:
        return False
