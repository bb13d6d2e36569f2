"""What whoever looks may, anywhere: enough to say beforehand which buttons would be refused. The API decides.

Read once per page from the API's own answer about oneself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datacenter.api import inside

ROOT = "root@pam"


@dataclass(frozen=True, slots=True)
class Own:
    """`by_path`: privilege → 1 where it holds below as well, for every path on which that may differ."""

    user: str
    by_path: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    async def of(cls, request: Any) -> Own:
        return cls(request.quire_user.username, await inside.ask(request, "GET", "/access/permissions"))

    @property
    def is_root(self) -> bool:
        return self.user == ROOT

    def holds(self, privilege: str, path: str = "/") -> bool:
        """On this very path, by what is said of it or of the nearest above it."""
        steps = [part for part in path.split("/") if part]
        for length in range(len(steps), -1, -1):
            found = self.by_path.get("/" + "/".join(steps[:length]))
            if found is not None:
                return privilege in found and (length == len(steps) or bool(found[privilege]))
        return False

    def somewhere(self, privilege: str, path: str = "/") -> bool:
        """On this path, or on one below it."""
        below = path.rstrip("/") + "/"
        return self.holds(privilege, path) or any(
            privilege in held for each, held in self.by_path.items() if each.startswith(below)
        )
