"""Who may what where: the roles that hold on a path, and the privileges that come of them (reference §8.6).

From the root down, what stands nearer to the path replaces what was inherited. At one level an entry of a user comes
before those of the user's groups, which add up; `NoAccess` beats every role beside it. A token with privileges of its
own has what both it and its user have; one without has its user's.
root@pam may everything. Nothing here knows the time: see `is_active`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.access.names import ROOT, split_token
from cluster.access.privileges import NO_ACCESS, PRIVILEGES
from cluster.access.user_cfg import UserConfig

# Privilege (or role) → does it hold below the path as well?
Held = dict[str, bool]


@dataclass(frozen=True, slots=True)
class Grant:
    """Why somebody has a role: it was given on `path` to `subject`, and holds below it when `propagate`."""

    role: str
    path: str
    subject: str
    propagate: bool


def is_active(config: UserConfig, auth_id: str, now_s: float) -> bool:
    """Whether a user, or a token and its user, exists, is enabled and has not expired."""
    name, token_name = split_token(auth_id)
    user = config.users.get(name)
    if user is None or not user.enabled or 0 < user.expire_s <= now_s:
        return False
    if "!" not in auth_id:
        return True
    token = user.tokens.get(token_name)
    return token is not None and not 0 < token.expire_s <= now_s


def permissions(config: UserConfig, auth_id: str, path: str) -> Held:
    """The privileges of a user or token on a path, and whether each holds below. Empty for who is not known."""
    name, _ = split_token(auth_id)
    if name not in config.users:
        return {}
    if "!" not in auth_id:
        return _own(config, name, path)
    token = config.token(auth_id)
    if token is None:
        return {}
    of_user = _own(config, name, path)
    if not token.privsep:
        return of_user
    of_token = _own(config, auth_id, path)
    return {one: below and of_user[one] for one, below in of_token.items() if one in of_user}


def roles(config: UserConfig, auth_id: str, path: str) -> Held:
    """The roles that hold for exactly this user, or this token without its user. `NoAccess` comes alone."""
    held: Held = {}
    for grant in _grants(config, auth_id, path):
        held[grant.role] = held.get(grant.role, False) or grant.propagate
    return held


def reasons(config: UserConfig, auth_id: str, path: str) -> list[Grant]:
    """Where the roles come from that `permissions` looks at, those that come by way of a pool included. None for
    root@pam, who needs no role."""
    found = _grants(config, auth_id, path)
    if not any(grant.role == NO_ACCESS for grant in found):
        for pool in _pools_of(config, path):
            of_pool = _grants(config, auth_id, f"/pool/{pool}")
            found += [grant for grant in of_pool if grant.role != NO_ACCESS]
    return found


def _grants(config: UserConfig, auth_id: str, path: str) -> list[Grant]:
    held: list[Grant] = []
    levels = list(_levels(path))
    for level in levels:
        entries, is_last = config.lists.get(level), level == levels[-1]
        if entries is None:
            continue
        here = _effective(entries, level, auth_id, is_last)
        if not here:
            groups = ("@" + name for name, group in config.groups.items() if auth_id in group.users)
            here = [grant for each in groups for grant in _effective(entries, level, each, is_last)]
        held = here or held
    return [grant for grant in held if grant.role == NO_ACCESS] or held


def paths_of_interest(config: UserConfig) -> list[str]:
    """Paths on which somebody may hold something else than above them."""
    return sorted({"/", "/access", "/nodes", "/pool", "/sdn", "/storage", "/vms", "/mapping", *config.lists})


def _own(config: UserConfig, auth_id: str, path: str) -> Held:
    if auth_id == ROOT:
        return dict.fromkeys(PRIVILEGES, True)
    held = roles(config, auth_id, path)
    if NO_ACCESS not in held:
        for pool in _pools_of(config, path):
            of_pool = roles(config, auth_id, f"/pool/{pool}")
            if NO_ACCESS not in of_pool:
                held = {**dict.fromkeys(of_pool, False), **held}
    found: Held = {}
    for role, below in held.items():
        for privilege in config.role(role) or ():
            found[privilege] = found.get(privilege, False) or below
    return found


def _levels(path: str) -> Iterator[str]:
    yield "/"
    parts = [part for part in path.split("/") if part]
    for depth in range(1, len(parts) + 1):
        yield "/" + "/".join(parts[:depth])


def _effective(entries: dict[str, Held], path: str, subject: str, is_last: bool) -> list[Grant]:
    given = entries.get(subject, {})
    return [Grant(role, path, subject, below) for role, below in given.items() if below or is_last]


def _pools_of(config: UserConfig, path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    if len(parts) != 2 or parts[0] not in ("vms", "storage"):
        return []
    return [
        name for name, pool in config.pools.items() if parts[1] in (pool.guests if parts[0] == "vms" else pool.storages)
    ]
