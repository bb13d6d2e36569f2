"""Who may what where: the roles that hold on a path, and the privileges that come of them (reference §8.6).

From the root down, what stands nearer to the path replaces what was inherited. At one level an entry of a user comes
before those of the user's groups, which add up; `NoAccess` beats every role beside it. A token with privileges of its
own has what both it and its user have; one without has its user's.
root@pam may everything. Nothing here knows the time: see `is_active`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.access.names import ROOT, split_token
from cluster.access.privileges import NO_ACCESS, PRIVILEGES
from cluster.access.user_cfg import UserConfig

# Privilege (or role) → does it hold below the path as well?
Held = dict[str, bool]


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
    levels = list(_levels(path))
    for level in levels:
        entries = config.lists.get(level)
        if entries is None:
            continue
        here = _effective(entries.get(auth_id, {}), level == levels[-1])
        if not here:
            here = _of_groups(config, auth_id, entries, level == levels[-1])
        if here:
            held = here
    return {NO_ACCESS: held[NO_ACCESS]} if NO_ACCESS in held else held


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


def _effective(entry: Held, is_last: bool) -> Held:
    return {role: below for role, below in entry.items() if below or is_last}


def _of_groups(config: UserConfig, user: str, entries: dict[str, Held], is_last: bool) -> Held:
    found: Held = {}
    for name, group in config.groups.items():
        if user in group.users:
            for role, below in _effective(entries.get("@" + name, {}), is_last).items():
                found[role] = found.get(role, False) or below
    return found


def _pools_of(config: UserConfig, path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    if len(parts) != 2 or parts[0] not in ("vms", "storage"):
        return []
    return [
        name for name, pool in config.pools.items() if parts[1] in (pool.guests if parts[0] == "vms" else pool.storages)
    ]
