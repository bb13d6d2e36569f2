"""Join information as a page shows it: the string to paste on the other node, made of what the API gives. Pure.

The string is Base64 of compact JSON with the keys control panels of this kind agree on; it holds no secret. It is read
again by the daemon of the node that joins.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from cluster.errors import NotFound

LINK_ADDRESS = re.compile(r"(?:ring|link)([0-7])_addr")


@dataclass(frozen=True, slots=True)
class JoinInformation:
    """Three values to copy; `text` contains the other two."""

    address: str
    fingerprint: str
    text: str


def join_information(answer: dict[str, Any]) -> JoinInformation:
    """From the result of the JoinInfo request. Raises NotFound when it lacks the preferred node."""
    preferred = next((node for node in answer["nodelist"] if node["name"] == answer["preferred_node"]), None)
    if preferred is None:
        raise NotFound(f"{answer['preferred_node']} is not in the cluster's list of nodes.")
    links = {found[1]: preferred[key] for key in sorted(preferred) if (found := LINK_ADDRESS.fullmatch(key))}
    content = {
        "ipAddress": preferred["pve_addr"],
        "fingerprint": preferred["pve_fp"],
        "peerLinks": links,
        "ring_addr": list(links.values()),
        "totem": answer["totem"],
    }
    packed = json.dumps(content, separators=(",", ":")).encode()
    return JoinInformation(preferred["pve_addr"], preferred["pve_fp"], base64.b64encode(packed).decode())
