"""Changes to `user.cfg` that keep it in itself true: no list names who is gone, no role is used that is not there.

Each takes the parsed file and changes it, or refuses. Whether the caller may is `cluster/node/access/rights.py`.
"""

from __future__ import annotations

from collections.abc import Collection

from cluster.access import names
from cluster.access.privileges import BUILT_IN, PRIVILEGES, is_reserved
from cluster.access.user_cfg import Group, Token, User, UserConfig
from cluster.errors import Conflict, InvalidInput, NotFound

TEXT_LENGTH_MAX = 2048


def add_user(config: UserConfig, name: str, user: User, groups: Collection[str]) -> None:
    """Raises Conflict, InvalidInput."""
    if not names.is_user(name):
        raise InvalidInput("That is no user's name.", fields={"userid": "must be name@realm"})
    if name in config.users:
        raise Conflict(f"There is a user {name} already.")
    set_groups(config, name, groups, append=False)
    config.users[name] = user


def user(config: UserConfig, name: str) -> User:
    """Raises NotFound."""
    if name not in config.users:
        raise NotFound(f"There is no user {name[: names.USER_LENGTH_MAX]}.")
    return config.users[name]


def remove_user(config: UserConfig, name: str) -> None:
    """With tokens, memberships and lists. Raises NotFound, Conflict for root@pam."""
    user(config, name)
    if name == names.ROOT:
        raise Conflict(f"{names.ROOT} cannot be removed.")
    for token_name in list(config.users[name].tokens):
        remove_token(config, name, token_name)
    del config.users[name]
    for group in config.groups.values():
        group.users.discard(name)
    _forget(config, name)


def set_groups(config: UserConfig, name: str, groups: Collection[str], *, append: bool) -> None:
    """Raises InvalidInput for a group that is not there."""
    missing = [each for each in groups if each not in config.groups]
    if missing:
        raise InvalidInput("There is no such group.", fields={"groups": f"has no group {missing[0][:64]}"})
    for group_name, group in config.groups.items():
        if group_name in groups:
            group.users.add(name)
        elif not append:
            group.users.discard(name)


def token(config: UserConfig, name: str, token_name: str) -> Token:
    """Raises NotFound."""
    found = user(config, name).tokens.get(token_name)
    if found is None:
        raise NotFound(f"{name} has no token {token_name[: names.NAME_LENGTH_MAX]}.")
    return found


def add_token(config: UserConfig, name: str, token_name: str, made: Token) -> None:
    """Raises NotFound, InvalidInput also for one that is there (as Proxmox VE answers)."""
    if not names.is_token_name(token_name):
        raise InvalidInput("That is no token's name.", fields={"tokenid": "must begin with a letter"})
    if token_name in user(config, name).tokens:
        raise InvalidInput("The token exists already.", fields={"tokenid": "exists already"})
    config.users[name].tokens[token_name] = made


def remove_token(config: UserConfig, name: str, token_name: str) -> None:
    """Raises NotFound."""
    token(config, name, token_name)
    del config.users[name].tokens[token_name]
    _forget(config, f"{name}!{token_name}")


def group(config: UserConfig, name: str) -> Group:
    """Raises NotFound."""
    if name not in config.groups:
        raise NotFound(f"There is no group {name[: names.NAME_LENGTH_MAX]}.")
    return config.groups[name]


def add_group(config: UserConfig, name: str, comment: str) -> None:
    """Raises Conflict, InvalidInput."""
    if not names.is_name(name):
        raise InvalidInput("That is no group's name.", fields={"groupid": "must be letters, digits, . - _"})
    if name in config.groups:
        raise Conflict(f"There is a group {name} already.")
    config.groups[name] = Group(comment=comment)


def remove_group(config: UserConfig, name: str) -> None:
    """Raises NotFound."""
    group(config, name)
    del config.groups[name]
    _forget(config, "@" + name)


def role(config: UserConfig, name: str) -> frozenset[str]:
    """Raises NotFound."""
    found = config.role(name)
    if found is None:
        raise NotFound(f"There is no role {name[: names.NAME_LENGTH_MAX]}.")
    return found


def add_role(config: UserConfig, name: str, privileges: Collection[str]) -> None:
    """Raises Conflict, InvalidInput."""
    if not names.is_name(name) or is_reserved(name):
        reason = "must be letters, digits, . - _ and not begin with PVE"
        raise InvalidInput("That is no name for a role of one's own.", fields={"roleid": reason})
    if name in config.roles:
        raise Conflict(f"There is a role {name} already.")
    config.roles[name] = _known(privileges)


def change_role(config: UserConfig, name: str, privileges: Collection[str], *, append: bool) -> None:
    """Raises NotFound, Conflict for a built-in role, InvalidInput."""
    have = _own_role(config, name)
    config.roles[name] = _known(privileges) | (have if append else frozenset())


def remove_role(config: UserConfig, name: str) -> None:
    """Raises NotFound, Conflict for one that is built in or in use."""
    _own_role(config, name)
    for path, entries in config.lists.items():
        if any(name in roles for roles in entries.values()):
            raise Conflict(f"The role {name} is in use on {path}.")
    del config.roles[name]


def give(config: UserConfig, path: str, subjects: Collection[str], roles: Collection[str], propagate: bool) -> None:
    """Raises InvalidInput for who or what is not there."""
    for each in subjects:
        _check_subject(config, each)
    for each in roles:
        if config.role(each) is None:
            raise InvalidInput("There is no such role.", fields={"roles": f"has no role {each[:64]}"})
    for each in subjects:
        if each != names.ROOT:
            config.lists.setdefault(path, {}).setdefault(each, {}).update(dict.fromkeys(roles, propagate))


def take(config: UserConfig, path: str, subjects: Collection[str], roles: Collection[str]) -> None:
    """What is not there is taken away already."""
    entries = config.lists.get(path, {})
    for each in subjects:
        for one in roles:
            entries.get(each, {}).pop(one, None)
    _tidy(config)


def _check_subject(config: UserConfig, subject: str) -> None:
    if subject.startswith("@"):
        known, name = subject[1:] in config.groups, "groups"
    elif "!" in subject:
        known, name = config.token(subject) is not None, "tokens"
    else:
        known, name = subject in config.users, "users"
    if not known:
        raise InvalidInput("Rights are given to who is there.", fields={name: f"has no {subject.lstrip('@')[:100]}"})


def _own_role(config: UserConfig, name: str) -> frozenset[str]:
    if name in BUILT_IN:
        raise Conflict(f"The role {name} is built in and stays as it is.")
    return role(config, name)


def _known(privileges: Collection[str]) -> frozenset[str]:
    unknown = [each for each in privileges if each not in PRIVILEGES]
    if unknown:
        raise InvalidInput("There is no such privilege.", fields={"privs": f"has no privilege {unknown[0][:64]}"})
    return frozenset(privileges)


def _forget(config: UserConfig, subject: str) -> None:
    for entries in config.lists.values():
        entries.pop(subject, None)
    _tidy(config)


def _tidy(config: UserConfig) -> None:
    for path in list(config.lists):
        entries = {subject: roles for subject, roles in config.lists[path].items() if roles}
        if entries:
            config.lists[path] = entries
        else:
            del config.lists[path]
