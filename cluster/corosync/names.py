"""The door for every name in corosync.conf and of a peer: node and cluster names, link addresses, fingerprints.

Every function takes a value from outside and the name of the field it came from, and returns the value in its one
stored form or raises `InvalidInput` with one sentence for that field. Nothing here resolves names or looks at this
host: whether a host name leads somewhere is for the one who connects. Next: `cluster/corosync/conf/`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NoReturn

from cluster.errors import InvalidInput
from cluster.model import LINKS_MAX, Link

CLUSTER_NAME_MAX = 15  # characters
NODE_NAME_MAX = 63  # characters, one DNS label
NODE_ID_MAX = 65535  # knet refuses larger ones
VOTES_MAX = 65535
LINK_PRIORITY_MAX = 255
TOKEN_COEFFICIENT_MAX_MS = 60_000
LINK_STRING_MAX = 320  # characters; a host name is at most 253

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?")
_HOST_LABEL = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_FINGERPRINT = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){31}")
_DIGITS = re.compile(r"[0-9]{1,9}")
_NUMBER_LAST = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def node_name(value: object, field: str = "node") -> str:
    return _name(value, field, NODE_NAME_MAX, "A node name")


def cluster_name(value: object, field: str = "clustername") -> str:
    return _name(value, field, CLUSTER_NAME_MAX, "A cluster name")


def node_id(value: object, field: str = "nodeid") -> int:
    return _whole_number(value, field, 1, NODE_ID_MAX, "The node id")


def votes(value: object, field: str = "votes", *, minimum: int = 0) -> int:
    return _whole_number(value, field, minimum, VOTES_MAX, "The number of votes")


def token_coefficient(value: object, field: str = "token-coefficient") -> int:
    return _whole_number(value, field, 0, TOKEN_COEFFICIENT_MAX_MS, "The token coefficient")


def fingerprint(value: object, field: str = "fingerprint") -> str:
    """A SHA-256 certificate fingerprint: 32 hexadecimal pairs joined by colons, returned in upper case."""
    text = _text(value, field, "The fingerprint")
    if not _FINGERPRINT.fullmatch(text):
        _refuse(field, "The fingerprint must be 32 hexadecimal pairs joined by colons, as Join Information shows it.")
    return text.upper()


def link_address(value: object, field: str = "link0", *, allow_loopback: bool = False) -> str:
    """An IP address (returned in its canonical form) or a host name (returned as given).

    Refused: zone ids, unspecified, multicast, broadcast and IPv6 link-local addresses, and loopback unless allowed
    (the loopback engine's clusters live at 127.0.0.x). A host name that resolves to loopback is found by preflight.
    """
    text = _text(value, field, "The address")
    if not text:
        _refuse(field, "An address is needed.")
    if "%" in text:
        _refuse(field, "An address with a zone id (%) means something else on every node; give an address without one.")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _host_name(text, field, allow_loopback)
    _check_address(address, field, allow_loopback)
    return str(address)


def link_string(number: int, value: object, field: str | None = None, *, allow_loopback: bool = False) -> Link:
    """`[address=]<address>[,priority=<0..255>]` as PVE writes a link, in either order, each part once."""
    field = field or f"link{number}"
    text = _text(value, field, "A link")
    if len(text) > LINK_STRING_MAX:
        _refuse(field, "This link is too long.")
    parts: dict[str, str] = {}
    for part in text.split(","):
        key, equals, rest = part.partition("=")
        key, rest = (key, rest) if equals else ("address", part)
        if key not in ("address", "priority"):
            _refuse(field, "A link is written as address=ADDRESS,priority=NUMBER.")
        if key in parts:
            _refuse(field, f"A link has one {key}; this one has two.")
        parts[key] = rest
    address = link_address(parts.get("address", ""), field, allow_loopback=allow_loopback)
    if "priority" not in parts:
        return Link(number, address)
    return Link(number, address, _whole_number(parts["priority"], field, 0, LINK_PRIORITY_MAX, "The link priority"))


def links(values: Mapping[int, str], *, allow_loopback: bool = False) -> tuple[Link, ...]:
    """The links of one node, by number; refuses a number beyond 7 and one address on two links."""
    found: dict[str, Link] = {}
    for number in sorted(values):
        field = f"link{number}"
        if not 0 <= number < LINKS_MAX:
            _refuse(field, f"Links are numbered 0 to {LINKS_MAX - 1}.")
        link = link_string(number, values[number], field, allow_loopback=allow_loopback)
        if link.address in found:
            _refuse(field, f"{link.address} is already the address of link {found[link.address].number}.")
        found[link.address] = link
    return tuple(found.values())


def same_address(one: str, other: str) -> bool:
    """Whether two stored addresses are the same one, however they are spelled."""
    return _canonical(one) == _canonical(other)


def _canonical(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower()


def _name(value: object, field: str, length_max: int, what: str) -> str:
    text = _text(value, field, what)
    if not text:
        _refuse(field, f"{what} is needed.")
    if len(text) > length_max:
        _refuse(field, f"{what} has at most {length_max} characters.")
    if not _NAME.fullmatch(text):
        _refuse(field, f"{what} consists of letters a-z, digits and inner hyphens.")
    return text


def _host_name(text: str, field: str, allow_loopback: bool) -> str:
    labels = text.split(".")
    plausible = len(text) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels)
    if not plausible or _NUMBER_LAST.fullmatch(labels[-1]):  # resolvers read 10.1 and 0x7f000001 as IPv4 addresses
        _refuse(field, "This is neither an IP address nor a host name.")
    if labels[-1].lower() in ("localhost", "localdomain") and not allow_loopback:
        _refuse(field, "Other nodes cannot reach a loopback address; choose an address of a network they share.")
    return text


def _check_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address, field: str, allow_loopback: bool) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        _refuse(field, "Write an IPv4 address in its own form, not wrapped in IPv6.")
    if address.is_loopback and not allow_loopback:
        _refuse(field, "Other nodes cannot reach a loopback address; choose an address of a network they share.")
    if address.is_unspecified or address in ipaddress.ip_network("0.0.0.0/8"):
        _refuse(field, f"{address} means no particular address; choose one of this node's own.")
    if address.is_multicast or address == ipaddress.ip_address("255.255.255.255"):
        _refuse(field, f"{address} is a multicast or broadcast address; choose one of this node's own.")
    if isinstance(address, ipaddress.IPv6Address) and address.is_link_local:
        _refuse(field, "An IPv6 link-local address cannot be used without a zone id; choose another address.")


def _whole_number(value: object, field: str, least: int, most: int, what: str) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        _refuse(field, f"{what} must be a whole number from {least} to {most}.")
    return value


def _text(value: object, field: str, what: str) -> str:
    if not isinstance(value, str):
        _refuse(field, f"{what} must be text.")
    return value


def _refuse(field: str, sentence: str) -> NoReturn:
    raise InvalidInput(sentence, fields={field: sentence})
