"""`user.cfg`: users, tokens, groups, pools, roles and access lists, as values; read and written in its exact format.

Lines of a kind not known here, and fields beyond the known ones, survive a rewrite. What the lists mean is
`permissions.py`; which changes make sense is `edits.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cluster.access import names
from cluster.access.privileges import BUILT_IN
from cluster.access.text import decode, encode

PATH = "user.cfg"


@dataclass(slots=True)
class Token:
    """`expire_s` is a Unix time, 0 for never. Without `privsep` a token may all that its user may."""

    expire_s: int = 0
    privsep: bool = True
    comment: str = ""
    extra: tuple[str, ...] = ()


@dataclass(slots=True)
class User:
    enabled: bool = True
    expire_s: int = 0
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    comment: str = ""
    keys: str = ""
    tokens: dict[str, Token] = field(default_factory=dict)
    extra: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    users: set[str] = field(default_factory=set)
    comment: str = ""
    extra: tuple[str, ...] = ()


@dataclass(slots=True)
class Pool:
    comment: str = ""
    guests: tuple[str, ...] = ()
    storages: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


# path → who (user, @group or user!token) → role → does it hold below the path as well?
Lists = dict[str, dict[str, dict[str, bool]]]


@dataclass(slots=True)
class UserConfig:
    """The whole file. `roles` are those of one's own; `unknown` are lines that are kept as they are."""

    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    lists: Lists = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def role(self, name: str) -> frozenset[str] | None:
        """The privileges of a role; None when there is no such role."""
        return BUILT_IN.get(name, self.roles.get(name))

    def token(self, auth_id: str) -> Token | None:
        user, name = names.split_token(auth_id)
        return self.users[user].tokens.get(name) if user in self.users else None

    def groups_of(self, user: str) -> list[str]:
        return sorted(name for name, group in self.groups.items() if user in group.users)


def parse(data: bytes) -> UserConfig:
    """Never fails: a line that is not understood is kept and means nothing. root@pam is always there, and enabled."""
    config = UserConfig()
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        kept = line.strip("\r")
        if kept.strip() and not _take(config, kept.strip()):
            config.unknown.append(kept)
    root = config.users.setdefault(names.ROOT, User())
    root.enabled, root.expire_s = True, 0
    return config


def render(config: UserConfig) -> bytes:
    blocks = (_users, _groups, _pools, _roles, _acls, lambda one: iter(one.unknown))
    texts = ("".join(line + "\n" for line in block(config)) for block in blocks)
    return "\n".join(text for text in texts if text).encode("utf-8", "surrogateescape")


# --- reading ----------------------------------------------------------------------------------------------------------


def _take(config: UserConfig, line: str) -> bool:
    kind, *fields = line.split(":")
    if len(fields) > 1 and fields[-1] == "":
        fields.pop()
    reader = _READERS.get(kind)
    return reader is not None and bool(fields) and reader(config, fields)


def _user(config: UserConfig, fields: list[str]) -> bool:
    known, extra = _padded(fields, 8)
    if not names.is_user(known[0]) or not _is_number(known[2]):
        return False
    first, last, email, comment, keys = (decode(each) for each in known[3:])
    enabled, expire_s = known[1] == "1", int(known[2] or 0)
    config.users[known[0]] = User(enabled, expire_s, first, last, email, comment, keys, {}, extra)
    return True


def _token(config: UserConfig, fields: list[str]) -> bool:
    (name, expire, privsep, comment), extra = _padded(fields, 4)
    user, token = names.split_token(name)
    if not names.is_token(name) or user not in config.users or not _is_number(expire):
        return False
    config.users[user].tokens[token] = Token(int(expire or 0), privsep != "0", decode(comment), extra)
    return True


def _group(config: UserConfig, fields: list[str]) -> bool:
    (name, members, comment), extra = _padded(fields, 3)
    if not names.is_name(name):
        return False
    group = config.groups.setdefault(name, Group())
    group.users |= {each for each in _listed(members) if names.is_user(each)}
    group.comment, group.extra = decode(comment), extra
    return True


def _pool(config: UserConfig, fields: list[str]) -> bool:
    (name, comment, guests, storages), extra = _padded(fields, 4)
    config.pools[name] = Pool(decode(comment), _listed(guests), _listed(storages), extra)
    return True


def _role(config: UserConfig, fields: list[str]) -> bool:
    (name, privileges), extra = _padded(fields, 2)
    if not names.is_name(name) or name in BUILT_IN or extra:
        return False
    config.roles[name] = config.roles.get(name, frozenset()) | frozenset(_listed(privileges))
    return True


def _acl(config: UserConfig, fields: list[str]) -> bool:
    (propagate, path, who, roles), extra = _padded(fields, 4)
    subjects = _listed(who)
    if propagate not in ("0", "1") or not path.startswith("/") or not subjects or not all(map(_is_subject, subjects)):
        return False
    if extra:
        return False
    path = "/" + "/".join(part for part in path.split("/") if part)
    for subject in subjects:
        config.lists.setdefault(path, {}).setdefault(subject, {}).update(
            dict.fromkeys(_listed(roles), propagate == "1")
        )
    return True


_READERS = {"user": _user, "token": _token, "group": _group, "pool": _pool, "role": _role, "acl": _acl}


def _padded(fields: list[str], count: int) -> tuple[list[str], tuple[str, ...]]:
    return (fields + [""] * count)[:count], tuple(fields[count:])


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each for each in text.replace(";", ",").replace(" ", ",").split(",") if each)


def _is_number(text: str) -> bool:
    return text == "" or (text.isascii() and text.isdecimal() and len(text) <= 15)


def _is_subject(text: str) -> bool:
    return names.is_name(text[1:]) if text.startswith("@") else names.is_user(text) or names.is_token(text)


# --- writing ----------------------------------------------------------------------------------------------------------


def _line(kind: str, *fields: str, extra: tuple[str, ...] = ()) -> str:
    return ":".join((kind, *fields, *extra)) + ":"


def _users(config: UserConfig) -> Iterator[str]:
    for name, user in sorted(config.users.items()):
        text = (user.firstname, user.lastname, user.email, user.comment, user.keys)
        yield _line("user", name, str(int(user.enabled)), str(user.expire_s), *map(encode, text), extra=user.extra)
        for token_name, token in sorted(user.tokens.items()):
            flags = (str(token.expire_s), str(int(token.privsep)))
            yield _line("token", f"{name}!{token_name}", *flags, encode(token.comment), extra=token.extra)


def _groups(config: UserConfig) -> Iterator[str]:
    for name, group in sorted(config.groups.items()):
        yield _line("group", name, ",".join(sorted(group.users)), encode(group.comment), extra=group.extra)


def _pools(config: UserConfig) -> Iterator[str]:
    for name, pool in sorted(config.pools.items()):
        lists = (",".join(pool.guests), ",".join(pool.storages))
        yield _line("pool", name, encode(pool.comment), *lists, extra=pool.extra)


def _roles(config: UserConfig) -> Iterator[str]:
    for name, privileges in sorted(config.roles.items()):
        yield _line("role", name, ",".join(sorted(privileges)))


def _acls(config: UserConfig) -> Iterator[str]:
    """One line for all who have the same roles on a path: groups first, then users, then tokens."""
    for path, entries in sorted(config.lists.items()):
        for kind in ("group", "user", "token"):
            together: dict[tuple[bool, str], list[str]] = {}
            for subject, roles in entries.items():
                if kind_of(subject) != kind or subject == names.ROOT:
                    continue
                for propagate in {*roles.values()}:
                    same = ",".join(sorted(role for role, below in roles.items() if below is propagate))
                    together.setdefault((propagate, same), []).append(subject)
            for (propagate, same), subjects in sorted(together.items()):
                yield _line("acl", str(int(propagate)), path, ",".join(sorted(subjects)), same)


def kind_of(subject: str) -> str:
    """group, token or user: as lists of access are told."""
    return "group" if subject.startswith("@") else "token" if "!" in subject else "user"
