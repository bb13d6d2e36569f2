"""The join string: what a member shows and a new node pastes, in Proxmox VE's form (base64 of a small JSON object).

It carries topology and a fingerprint, perhaps a join token, and is signed by nobody: everything in it is checked
here before anything is done with it. Size is capped before decoding, JSON is read strictly, unknown
keys are passed over. Errors carry the field `invitation`, because that is where the string was pasted. Next: `join.py`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cluster.corosync import names
from cluster.corosync.conf.document import link_number
from cluster.errors import InvalidInput, NotFound, Unavailable
from cluster.model import LINKS_MAX
from cluster.workflow.join_tokens import TOKEN

FIELD = "invitation"
SIZE_MAX = 4096  # characters of base64
DEPTH_MAX = 8
AGAIN = "Copy it again from Join Information on a member of the cluster."
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER = re.compile(r"[0-7]")


@dataclass(frozen=True, slots=True)
class Invitation:
    """`links`: each link of the cluster with the inviting peer's address on it, None where the string does not say."""

    address: str
    fingerprint: str
    cluster_name: str
    links: tuple[tuple[int, str | None], ...]
    token: str = field(default="", repr=False)
    cluster_uuid: str = ""

    @property
    def address_optional(self) -> bool:
        """One link, on which the peer uses its main address: the joining node may do likewise without saying so."""
        return len(self.links) == 1 and self.links[0][1] == self.address

    @property
    def warnings(self) -> tuple[str, ...]:
        if all(peer_address is not None for _, peer_address in self.links):
            return ()
        return ("This string does not name the peer's address on every link; choose the networks with care.",)


def describe(text: str) -> dict[str, Any]:
    """The invitation as the site shows it. Raises `InvalidInput`."""
    invitation = decode(text)
    return {
        "address": invitation.address,
        "fingerprint": invitation.fingerprint,
        "cluster_name": invitation.cluster_name,
        "links": [{"number": number, "peer_address": address} for number, address in invitation.links],
        "address_optional": invitation.address_optional,
        "warnings": list(invitation.warnings),
        "token": invitation.token,
        "cluster_uuid": invitation.cluster_uuid,
    }


def encode(join_info: Mapping[str, Any], token: str = "", cluster_uuid: str = "") -> str:
    """The join string for what `GET /cluster/config/join` answers, with a join token if there is one.

    Raises `NotFound`, `Unavailable`."""
    preferred = join_info["preferred_node"]
    node = next((node for node in join_info["nodelist"] if node.get("name") == preferred), None)
    if node is None:
        raise NotFound(f"No node named {preferred} is part of the cluster.")
    if not node.get("pve_fp") or not node.get("pve_addr"):
        raise Unavailable(f"The address or the certificate's fingerprint of {preferred} is not known yet.")
    numbered = sorted((link_number(key), address) for key, address in node.items() if link_number(key) is not None)
    content = {
        "ipAddress": node["pve_addr"],
        "fingerprint": node["pve_fp"],
        "peerLinks": {str(number): address for number, address in numbered},
        "ring_addr": [address for _, address in numbered],
        "totem": join_info["totem"],
    }
    if token:
        content |= {"quireToken": token, "quireCluster": cluster_uuid}
    text = base64.b64encode(json.dumps(content, separators=(",", ":"), allow_nan=False).encode()).decode()
    decode(text)  # what this node shows, every node can read
    return text


def decode(text: object) -> Invitation:
    """Read a pasted string. Raises `InvalidInput` with one sentence."""
    content = _read_json(_read_base64(text))
    if not isinstance(content, dict) or "totem" not in content:
        _refuse(f"This is not a join string. {AGAIN}")
    totem = _typed(content, "totem", dict, {})
    links = _read_links(content, totem)
    try:
        return Invitation(
            address=names.link_address(_typed(content, "ipAddress", str, ""), FIELD, allow_loopback=True),
            fingerprint=names.fingerprint(_typed(content, "fingerprint", str, ""), FIELD),
            cluster_name=names.cluster_name(_typed(totem, "cluster_name", str, ""), FIELD),
            links=links,
            token=_matching(content, "quireToken", TOKEN),
            cluster_uuid=_matching(content, "quireCluster", _UUID),
        )
    except InvalidInput as error:
        _refuse(f"The join string is damaged: {error.message}")


def _read_base64(text: object) -> str:
    if not isinstance(text, str) or not text:
        _refuse(f"A join string is needed. {AGAIN}")
    if len(text) > SIZE_MAX:
        _refuse(f"A join string has at most {SIZE_MAX} characters; this one has more.")
    if not _BASE64.fullmatch(text):
        _refuse(f"The join string is incomplete or has characters that do not belong there. {AGAIN}")
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        _refuse(f"The join string is incomplete or has characters that do not belong there. {AGAIN}")


def _read_json(text: str) -> object:
    if _depth(text) > DEPTH_MAX:
        _refuse(f"This is not a join string. {AGAIN}")
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_finite)
    except ValueError:
        _refuse(f"The join string is incomplete or was changed. {AGAIN}")


def _depth(text: str) -> int:
    """How deep brackets nest, strings left out; counted beforehand, because the parser recurses."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _read_links(content: dict[str, object], totem: dict[str, object]) -> tuple[tuple[int, str | None], ...]:
    peers = _read_peer_links(content)
    interfaces = _typed(totem, "interface", dict, {})
    numbers = sorted(_link_numbers(interfaces) or peers or {0})
    listed = _read_ring_addresses(content)
    if not peers and len(listed) == len(numbers):
        peers = dict(zip(numbers, listed, strict=True))  # older strings only list the addresses, in the links' order
    return tuple((number, peers.get(number)) for number in numbers)


def _link_numbers(interfaces: dict[str, object]) -> set[int]:
    numbers = []
    for key, interface in interfaces.items():
        if not isinstance(interface, dict):
            _refuse("The join string is damaged: totem.interface has an entry of the wrong type.")
        numbers.append(_link(interface.get("linknumber", key), "totem.interface"))
    if len(set(numbers)) != len(numbers):
        _refuse("The join string is damaged: totem.interface has a link twice.")
    return set(numbers)


def _read_peer_links(content: dict[str, object]) -> dict[int, str]:
    given = _typed(content, "peerLinks", dict, {})
    return {_link(key, "peerLinks"): _address(value, "peerLinks") for key, value in given.items()}


def _read_ring_addresses(content: dict[str, object]) -> list[str]:
    given = _typed(content, "ring_addr", list, [])
    if len(given) > LINKS_MAX:
        _refuse(f"The join string is damaged: ring_addr has more than {LINKS_MAX} addresses.")
    return [_address(value, "ring_addr") for value in given]


def _link(value: object, key: str) -> int:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        _refuse(f"The join string is damaged: {key} names a link that is not 0 to {LINKS_MAX - 1}.")
    return int(value)


def _address(value: object, key: str) -> str:
    try:
        return names.link_address(value, FIELD, allow_loopback=True)
    except InvalidInput as error:
        _refuse(f"The join string is damaged: {key} has a bad address. {error.message}")


def _typed(content: Mapping[str, object], key: str, type_: type, default: Any) -> Any:
    """The value of a key when it has the right type; `default` when the key is not there."""
    value = content.get(key, default)
    if not isinstance(value, type_):
        _refuse(f"The join string is damaged: {key} has the wrong type.")
    return value


def _matching(content: Mapping[str, object], key: str, pattern: re.Pattern[str]) -> str:
    text = str(_typed(content, key, str, ""))
    if text and not pattern.fullmatch(text):
        _refuse(f"The join string is damaged: {key} is not what it should be.")
    return text


def _refuse(sentence: str) -> NoReturn:
    raise InvalidInput(sentence, fields={FIELD: sentence})
