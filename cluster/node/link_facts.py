"""What carries a link's address on this host: the interface, its MTU, a bond below it, and what else travels there.

Read from /sys and from `interfaces.py`; what of it is bad is decided in `cluster/core/preflight.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.core.survey import LinkFacts
from cluster.node.interfaces import SYSFS_NET, beneath, list_interfaces, local_addresses


def link_facts(links: Mapping[int, str], near: bool) -> tuple[LinkFacts, ...]:
    """`near`: the nodes are on this machine only, where no network is shared."""
    interfaces = local_addresses()
    advice = {} if near else _advice()
    return tuple(
        LinkFacts(number, address, name, _mtu(name), *_bond(name), advice.get(address, ""))
        for number, address in sorted(links.items())
        for name in (interfaces.get(address, ""),)
    )


def mtu_of(address: str) -> int:
    """Of the interface that carries an address; 0 when that is not known."""
    return _mtu(local_addresses().get(address, ""))


def _advice() -> dict[str, str]:
    return {
        row[key]: row["advice"] for row in list_interfaces() for key in ("address", "address6") if key in row
    }  # fmt: skip


def _mtu(interface: str) -> int:
    text = _read(SYSFS_NET / interface / "mtu") if interface else ""
    return int(text) if text.isdecimal() else 0


def _bond(interface: str) -> tuple[str, str]:
    """The mode of the bond that an interface stands on and its LACP rate, each in the kernel's word; or empty."""
    for name in sorted(beneath(interface)) if interface else ():
        mode = _read(SYSFS_NET / name / "bonding/mode").partition(" ")[0]
        if mode:
            return mode, _read(SYSFS_NET / name / "bonding/lacp_rate").partition(" ")[0]
    return "", ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
