"""The additions whose joiners have not come through yet: kept on the adding node, durable, one small file.

The token that takes an addition back is stored as its SHA-256 only. What is done with a record is `add_node.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import msgspec

from cluster.errors import Unavailable
from cluster.workflow.journal import replace_durably


class FormerEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The nodelist entry an addition replaced (with force), to be put back."""

    node_id: int
    votes: int
    addresses: dict[int, str]


class PendingMember(msgspec.Struct, forbid_unknown_fields=True):
    """One addition. `certificate_digest` is that of the node's certificate before; a new one says it came through."""

    node: str
    token_sha256: str
    deadline_s: float
    certificate_digest: str = ""
    seen_online: bool = False
    former: FormerEntry | None = None

    def opens_with(self, token: str) -> bool:
        return hmac.compare_digest(token_digest(token), self.token_sha256)


class PendingMembers:
    """The file `<state>/pending-members.json`. Raises Unavailable when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members = {member.node: member for member in self._load()}

    def all(self) -> tuple[PendingMember, ...]:
        return tuple(self._members.values())

    def get(self, node: str) -> PendingMember | None:
        return self._members.get(node)

    def put(self, member: PendingMember) -> None:
        self._save({**self._members, member.node: member})

    def drop(self, node: str) -> None:
        if node in self._members:
            self._save({name: member for name, member in self._members.items() if name != node})

    def _save(self, members: dict[str, PendingMember]) -> None:
        replace_durably(self._path, msgspec.json.encode(list(members.values())))
        self._members = members

    def _load(self) -> list[PendingMember]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[PendingMember])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise Unavailable(f"The record of nodes being added, {self._path}, cannot be read.") from error


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
