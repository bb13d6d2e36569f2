"""This host's network interfaces as the link editor needs them, each with advice where a link on it would suffer.

Corosync wants a quiet network: what else travels over an interface is read from routes, open connections and the
interface's own kind. Addresses that other nodes cannot use (loopback, link-local) are left out; the loopback engine's
node is the exception and shows its own. Whether an address may be a link is decided in `cluster/corosync/names.py`.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SYSFS_NET = Path("/sys/class/net")
PROC_NET = Path("/proc/net")
# Remote ports whose traffic comes in bursts that delay corosync: NFS, iSCSI, Ceph (monitors old and new), SMB.
STORAGE_PORTS = {2049: "NFS", 3260: "iSCSI", 3300: "Ceph", 6789: "Ceph", 445: "SMB"}
_INSIDE_ONLY = ("docker", "br-", "virbr", "lxcbr", "lxdbr", "incusbr", "cni", "podman")
_ESTABLISHED = "01"

_Address = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True, slots=True)
class _Traffic:
    """What else travels: the interfaces that carry a default route, and storage protocols by local address."""

    default_routes: frozenset[str]
    storage: Mapping[str, str]


def list_interfaces(own_loopback_address: str = "") -> list[dict[str, Any]]:
    """Rows for GET /nodes/{node}/network, by name. With `own_loopback_address` (loopback engine) that address only."""
    if own_loopback_address:
        address = ipaddress.ip_interface(own_loopback_address + ("/128" if ":" in own_loopback_address else "/8"))
        return [_row("lo", "loopback", True, [address], "this machine only", "")]
    traffic = _Traffic(frozenset(_default_route_interfaces()), dict(_storage_connections()))
    states = psutil.net_if_stats()
    rows: list[dict[str, Any]] = []
    for name, found in sorted(psutil.net_if_addrs().items()):
        usable = [address for address in map(_usable, found) if address is not None]
        if name == "lo" or not usable:
            continue
        active = name in states and states[name].isup
        kind, speed = _kind(name), states[name].speed if name in states else 0
        advice = _advice(name, kind, active, speed, usable, traffic)
        rows += (_row(name, kind, active, pair, _comment(name, speed), advice) for pair in _pairs(usable))
    return rows


def local_addresses() -> dict[str, str]:
    """Every address of this host, loopback included → its interface."""
    return {
        str(ipaddress.ip_address(found.address.partition("%")[0])): name
        for name, addresses in psutil.net_if_addrs().items()
        for found in addresses
        if found.family in (socket.AF_INET, socket.AF_INET6)
    }


def _row(
    name: str, kind: str, active: bool, addresses: Iterable[_Address], comment: str, advice: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"iface": name, "type": kind, "active": int(active), "comments": comment, "advice": advice}
    for address in addresses:
        suffix = "6" if address.version == 6 else ""
        row |= {f"address{suffix}": str(address.ip), f"cidr{suffix}": address.with_prefixlen}
        row[f"netmask{suffix}"] = str(address.network.prefixlen if suffix else address.netmask)
    return row


def _pairs(addresses: list[_Address]) -> Iterator[list[_Address]]:
    """One row has room for one IPv4 and one IPv6 address; an interface with more gets more rows."""
    four = [address for address in addresses if address.version == 4]
    six = [address for address in addresses if address.version == 6]
    for place in range(max(len(four), len(six))):
        yield [*four[place : place + 1], *six[place : place + 1]]


def _usable(found: Any) -> _Address | None:
    if found.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    text = found.address.partition("%")[0]
    prefix = found.netmask or ("128" if found.family == socket.AF_INET6 else "32")
    if ":" in prefix:
        prefix = str(int(ipaddress.IPv6Address(prefix)).bit_count())
    address = ipaddress.ip_interface(f"{text}/{prefix}")
    return None if address.ip.is_loopback or address.ip.is_link_local or address.ip.is_multicast else address


# --- what kind of interface -------------------------------------------------------------------------------------------


def _kind(name: str) -> str:
    device = SYSFS_NET / name
    if (device / "bridge").exists():
        return "bridge"
    if (device / "bonding").exists():
        return "bond"
    if (device / "wireless").exists() or (device / "phy80211").exists():
        return "wlan"
    if (device / "tun_flags").exists() or _uevent(device).get("DEVTYPE") == "wireguard":
        return "tunnel"
    if (PROC_NET / "vlan" / name).exists() or _uevent(device).get("DEVTYPE") == "vlan":
        return "vlan"
    return "eth"


def _uevent(device: Path) -> dict[str, str]:
    lines = _lines(device / "uevent")
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def _comment(name: str, speed_mbit: int) -> str:
    alias = " ".join(_lines(SYSFS_NET / name / "ifalias"))[:80]
    if alias.isprintable() and alias:
        return alias
    if speed_mbit <= 0:
        return ""
    return f"{speed_mbit // 1000} Gbit/s" if speed_mbit % 1000 == 0 else f"{speed_mbit} Mbit/s"


def beneath(name: str) -> set[str]:
    """The interface and everything it stands on (a VLAN's or bridge's port, a bond's cards)."""
    found, todo = set(), [name]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += (path.name.removeprefix("lower_") for path in SYSFS_NET.glob(f"{one}/lower_*"))
    return found


# --- advice -----------------------------------------------------------------------------------------------------------


def _advice(name: str, kind: str, active: bool, speed_mbit: int, addresses: list[_Address], traffic: _Traffic) -> str:
    """The one sentence that matters most about a link on this interface, or none."""
    if not active:
        return f"{name} is down."
    if name.startswith(_INSIDE_ONLY):
        return f"{name} connects containers or virtual machines inside this host; other nodes do not reach it."
    if kind == "wlan":
        return "A wireless network loses and delays packets; a link on it makes the cluster unstable."
    storage = next((traffic.storage[str(a.ip)] for a in addresses if str(a.ip) in traffic.storage), "")
    if storage:
        return f"{storage} storage is used over this network; its bursts delay others. A network of its own is better."
    if kind == "tunnel":
        return "A tunnel adds delay; above 5 ms between nodes the cluster becomes unstable."
    shared = sorted(beneath(name) & {port for route in traffic.default_routes for port in beneath(route)})
    if name in traffic.default_routes:
        return (
            "This network also carries the default route, so other traffic shares it. A network of its own is better."
        )
    if shared:
        return f"{name} runs over {shared[0]}, which also carries the default route. A network of its own is better."
    if 0 < speed_mbit < 1000:
        return f"{name} is slow ({speed_mbit} Mbit/s)."
    return ""


def _default_route_interfaces() -> Iterator[str]:
    for line in _lines(PROC_NET / "route")[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000":
            yield fields[0]
    for line in _lines(PROC_NET / "ipv6_route"):
        fields = line.split()
        if len(fields) == 10 and fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
            yield fields[9]


def _storage_connections() -> Iterator[tuple[str, str]]:
    """(local address, protocol) of established connections to storage servers."""
    for table in ("tcp", "tcp6"):
        for line in _lines(PROC_NET / table)[1:]:
            fields = line.split()
            if len(fields) < 4 or fields[3] != _ESTABLISHED:
                continue
            protocol = STORAGE_PORTS.get(int(fields[2].rpartition(":")[2], 16))
            if protocol:
                yield _kernel_address(fields[1].rpartition(":")[0]), protocol


def _kernel_address(text: str) -> str:
    """An address as proc(5) prints it: 32-bit words in the processor's byte order."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def is_literal(text: str) -> bool:
    """Is this an address, rather than a name?"""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
