"""The files of access as they lie in the tree: each parsed once per version, and changed by compare-and-set.

What the files say is `cluster/access/`. A change may touch several of them; it is one entry of the log or none, so that
a user and its password go together. A change made meanwhile on another node is read again and the edit repeated.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cluster.access import domains, hashes, sessions, tfa, user_cfg
from cluster.access.hashes import Hashes
from cluster.access.sections import Section
from cluster.access.sessions import Sessions
from cluster.access.tfa import SecondFactors
from cluster.access.user_cfg import UserConfig
from cluster.core.operations import Expect, Mkdir, Remove, Write, digest_of
from cluster.core.tree import AnyOperation, Tree
from cluster.errors import Busy, StoreRefusal

ATTEMPTS = 8
Propose = Callable[[Sequence[AnyOperation], str, str], Awaitable[Any]]
T = TypeVar("T")

_PARSE: dict[str, Callable[[bytes], Any]] = {
    user_cfg.PATH: user_cfg.parse,
    domains.PATH: domains.parse,
    hashes.SHADOW: hashes.parse_shadow,
    hashes.TOKENS: hashes.parse_tokens,
    tfa.PATH: tfa.parse,
    sessions.PATH: sessions.parse,
}
_RENDER: dict[str, Callable[[Any], bytes]] = {
    user_cfg.PATH: user_cfg.render,
    domains.PATH: domains.render,
    hashes.SHADOW: hashes.render_shadow,
    hashes.TOKENS: hashes.render_tokens,
    tfa.PATH: tfa.render,
    sessions.PATH: sessions.render,
}


class Directory:
    """`tree` gives the committed tree of now; `propose(operations, user, door)` makes a change to it."""

    def __init__(self, tree: Callable[[], Tree], propose: Propose) -> None:
        self._tree, self._propose = tree, propose
        self._parsed: dict[str, tuple[bytes | None, Any]] = {}

    def users(self) -> UserConfig:
        """To be read only, as all of these."""
        found: UserConfig = self._current(user_cfg.PATH)
        return found

    def realms(self) -> dict[str, Section]:
        """Raises InvalidInput when the file is damaged, as all of these but `users` may."""
        found: dict[str, Section] = self._current(domains.PATH)
        return found

    def shadow(self) -> Hashes:
        found: Hashes = self._current(hashes.SHADOW)
        return found

    def tokens(self) -> Hashes:
        found: Hashes = self._current(hashes.TOKENS)
        return found

    def factors(self) -> SecondFactors:
        found: SecondFactors = self._current(tfa.PATH)
        return found

    def sessions(self) -> Sessions:
        found: Sessions = self._current(sessions.PATH)
        return found

    def read(self, path: str) -> bytes | None:
        return self._tree().read(path)

    def digest(self, path: str) -> str:
        return digest_of(self.read(path) or b"")

    async def change(self, edit: Callable[[Draft], T], *, user: str, door: str = "api") -> T:
        """Apply `edit` to fresh copies and propose what differs. Returns what `edit` does; passes on what it raises.
        Raises StoreRefusal, NoQuorum, OutcomeUnknown, Busy when others kept changing the same files."""
        for _ in range(ATTEMPTS):
            draft = Draft(self._tree())
            result = edit(draft)
            operations = draft.operations()
            if not operations:
                return result
            try:
                await self._propose(operations, user, door)
            except StoreRefusal as error:
                if error.errno != errno.ESTALE:
                    raise
            else:
                return result
        raise Busy("Others keep changing the same files. Try again.")

    def _current(self, path: str) -> Any:
        data = self._tree().read(path)
        known = self._parsed.get(path)
        # The bytes themselves are replaced with every change, and by every change of life of the store.
        if known is None or known[0] is not data:
            known = self._parsed[path] = (data, _PARSE[path](data or b""))
        return known[1]


@dataclass
class Draft:
    """Copies of the files as they are in `tree`, to be changed. Only what was looked at can differ."""

    tree: Tree
    _before: dict[str, tuple[bytes | None, bytes]] = field(default_factory=dict)
    _parsed: dict[str, Any] = field(default_factory=dict)
    _raw: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def users(self) -> UserConfig:
        found: UserConfig = self._copy(user_cfg.PATH)
        return found

    @property
    def realms(self) -> dict[str, Section]:
        found: dict[str, Section] = self._copy(domains.PATH)
        return found

    @property
    def shadow(self) -> Hashes:
        found: Hashes = self._copy(hashes.SHADOW)
        return found

    @property
    def tokens(self) -> Hashes:
        found: Hashes = self._copy(hashes.TOKENS)
        return found

    @property
    def factors(self) -> SecondFactors:
        found: SecondFactors = self._copy(tfa.PATH)
        return found

    @property
    def sessions(self) -> Sessions:
        found: Sessions = self._copy(sessions.PATH)
        return found

    def put(self, path: str, data: bytes | None) -> None:
        """Another file, whole; None removes it."""
        self._raw[path] = data

    def operations(self) -> list[AnyOperation]:
        changed: dict[str, bytes | None] = {}
        for path, value in self._parsed.items():
            data, rendered = self._before[path]
            now = _RENDER[path](value)
            if now != rendered:
                changed[path] = now
        changed.update({path: data for path, data in self._raw.items() if data != self.tree.read(path)})
        operations: list[AnyOperation] = []
        for path in changed:
            data = self.tree.read(path)
            operations.append(Expect(path, digest_of(data) if data is not None else ""))
        for path, new in changed.items():
            if new is None:
                operations.append(Remove(path, missing_ok=True))
            else:
                if "/" in path:
                    operations.append(Mkdir(path.rpartition("/")[0], parents=True))
                operations.append(Write(path, new))
        return operations

    def _copy(self, path: str) -> Any:
        if path not in self._parsed:
            data = self.tree.read(path)
            self._parsed[path] = _PARSE[path](data or b"")
            self._before[path] = (data, _RENDER[path](self._parsed[path]))
        return self._parsed[path]
