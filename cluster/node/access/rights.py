"""Who may what now: the one place of a node where a caller's rights are asked for, from the committed `user.cfg`.

Answers are kept for as long as the file is the same. What the rules are is `cluster/access/permissions.py`; which
request needs what is `needs.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cluster.access import permissions
from cluster.access.names import ROOT, split_token
from cluster.access.permissions import Held
from cluster.access.privileges import CAPABILITIES
from cluster.access.user_cfg import UserConfig, kind_of
from cluster.errors import Forbidden, Unauthenticated

KEPT_MAX = 4096


class Rights:
    """`users` gives the parsed `user.cfg` of now, the same object while the file is the same."""

    def __init__(self, users: Callable[[], UserConfig], now_s: Callable[[], float]) -> None:
        self._users, self._now_s = users, now_s
        self._of: UserConfig | None = None
        self._kept: dict[tuple[str, str], Held] = {}

    def is_active(self, auth_id: str) -> bool:
        return permissions.is_active(self._users(), auth_id, self._now_s())

    def held(self, auth_id: str, path: str) -> Held:
        """Privilege → does it hold below. Empty for who is unknown, disabled or expired."""
        if not self.is_active(auth_id):
            return {}
        users = self._users()
        if self._of is not users or len(self._kept) >= KEPT_MAX:
            self._of, self._kept = users, {}
        key = (auth_id, path)
        if key not in self._kept:
            self._kept[key] = permissions.permissions(users, auth_id, path)
        return self._kept[key]

    def may(self, auth_id: str, path: str, privilege: str) -> bool:
        return privilege in self.held(auth_id, path)

    def groups_of(self, user: str) -> list[str]:
        return self._users().groups_of(user)

    def privileges_of(self, role: str) -> frozenset[str]:
        return self._users().role(role) or frozenset()

    def is_separated(self, auth_id: str) -> bool:
        """Is this a token with rights of its own, less than its user's?"""
        token = self._users().token(auth_id) if "!" in auth_id else None
        return token is not None and token.privsep

    def demand(self, auth_id: str, path: str, *privileges: str, one_is_enough: bool = False) -> None:
        """Raises Forbidden naming path and privileges."""
        held = self.held(auth_id, path)
        found = [each for each in privileges if each in held]
        if len(found) == len(privileges) or (one_is_enough and found):
            return
        raise Forbidden(f"Permission check failed ({path}, {('|' if one_is_enough else ', ').join(privileges)})")

    def demand_root(self, auth_id: str) -> None:
        """root@pam itself: none of its tokens. Raises Forbidden."""
        if auth_id != ROOT:
            raise Forbidden(f"Permission check failed (user != {ROOT})")

    def demand_active(self, auth_id: str) -> None:
        """Raises Unauthenticated for who is no (longer a) user or token."""
        if not self.is_active(auth_id):
            raise Unauthenticated(f"{split_token(auth_id)[0][:64]} is not a user who may sign in.")

    def everywhere(self, auth_id: str, paths: Iterable[str] = ()) -> dict[str, dict[str, int]]:
        """Path → privilege → 1 where it holds below as well, for every path on which that may differ."""
        wanted = list(paths) or permissions.paths_of_interest(self._users())
        found = {path: {one: int(below) for one, below in self.held(auth_id, path).items()} for path in wanted}
        return {path: privileges for path, privileges in found.items() if privileges or paths}

    def reasons(self, auth_id: str) -> list[dict[str, Any]]:
        """As `PermissionReasons` answers."""
        users, rows = self._users(), []
        for path, privileges in self.everywhere(auth_id).items():
            grants = permissions.reasons(users, auth_id, path)
            if not grants and auth_id != ROOT and not self.is_separated(auth_id):
                grants = permissions.reasons(users, split_token(auth_id)[0], path)
            told = [
                {
                    "path": each.path, "type": kind_of(each.subject), "ugid": each.subject.removeprefix("@"),
                    "roleid": each.role, "propagate": int(each.propagate),
                }
                for each in grants
            ]  # fmt: skip
            rows.append({"path": path, "privs": privileges, "grants": told})
        return rows

    def capabilities(self, auth_id: str) -> dict[str, dict[str, int]]:
        """In the form clients draw their pages by: what somebody holds anywhere, grouped by where it applies."""
        found: dict[str, dict[str, int]] = {group: {} for group in CAPABILITIES}
        for path in permissions.paths_of_interest(self._users()):
            group = {"": "dc", "pool": ""}.get(path.split("/")[1], path.split("/")[1])
            if group in found:
                found[group].update(dict.fromkeys(CAPABILITIES[group] & self.held(auth_id, path).keys(), 1))
        return found
