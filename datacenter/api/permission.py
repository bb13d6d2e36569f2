"""Who may ask an endpoint, as data: everybody, whoever is signed in, root@pam itself, or who has privileges on a path.

`permitted` answers for one caller; everything that depends on who asks goes through it. A path may name parameters of
the endpoint's own path: `/nodes/{node}` is filled in (`at`) before it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cluster.errors import Forbidden, Unauthenticated
from datacenter.access import rights
from datacenter.api.call import Call

ROOT_USER = "root@pam"


@dataclass(frozen=True, slots=True)
class Who:
    """Decided by the caller's name alone: `world`, `all` who are signed in, or `root@pam` (the user, not a token)."""

    name: str

    def at(self, _in_path: Mapping[str, str]) -> Who:
        return self

    def described(self) -> Any:
        return {"user": self.name}

    def __str__(self) -> str:
        return f"user != {self.name}"


@dataclass(frozen=True, slots=True)
class Privileged:
    """All of `privileges` on `path`, or with `any` at least one of them."""

    path: str
    privileges: tuple[str, ...]
    any: bool = False

    def at(self, in_path: Mapping[str, str]) -> Privileged:
        steps = (in_path[step[1:-1]] if step.startswith("{") else step for step in self.path.split("/"))
        return replace(self, path="/".join(steps))

    def described(self) -> Any:
        return {"check": ["perm", self.path, list(self.privileges), *(["any", 1] if self.any else [])]}

    def __str__(self) -> str:
        return f"{self.path}, {('|' if self.any else ', ').join(self.privileges)}"


@dataclass(frozen=True, slots=True)
class Combined:
    """`and`: every part must hold; `or`: one is enough."""

    word: str
    parts: tuple[Permission, ...]

    def at(self, in_path: Mapping[str, str]) -> Combined:
        return replace(self, parts=tuple(part.at(in_path) for part in self.parts))

    def described(self) -> Any:
        return {"check": [self.word, *(part.described() for part in self.parts)]}

    def __str__(self) -> str:
        return f" {self.word} ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Within:
    """For whoever is signed in; the daemon decides by what is asked for, as `text` says."""

    text: str

    def at(self, _in_path: Mapping[str, str]) -> Within:
        return self

    def described(self) -> Any:
        return {"user": "all", "description": self.text}

    def __str__(self) -> str:
        return self.text


Permission = Who | Privileged | Combined | Within

PUBLIC = Who("world")
SIGNED_IN = Who("all")
ROOT = Who(ROOT_USER)


def perm(path: str, *privileges: str, any: bool = False) -> Privileged:
    return Privileged(path, privileges, any)


def either(*parts: Permission) -> Combined:
    return Combined("or", parts)


def both(*parts: Permission) -> Combined:
    return Combined("and", parts)


AUDIT = perm("/", "Sys.Audit")
NODE_AUDIT = perm("/nodes/{node}", "Sys.Audit")


def in_words(permission: Permission) -> str:
    """As people say it: `Sys.Audit on /`."""
    if isinstance(permission, Privileged):
        return f"{(' or ' if permission.any else ' and ').join(permission.privileges)} on {permission.path}"
    if isinstance(permission, Combined):
        return f" {permission.word} ".join(map(in_words, permission.parts))
    return f"the user {permission.name}" if isinstance(permission, Who) else str(permission)


async def permitted(call: Call, permission: Permission) -> bool:
    """Whether the caller may. Raises what the daemon's silence raises."""
    if isinstance(permission, Combined):
        each = [await permitted(call, part) for part in permission.parts]
        return all(each) if permission.word == "and" else any(each)
    if permission == PUBLIC:
        return True
    if permission == SIGNED_IN or isinstance(permission, Within):
        return bool(call.user)
    if isinstance(permission, Who) or not call.user:
        return call.user == ROOT_USER
    held = await rights.held(call.user, permission.path)
    found = [each in held for each in permission.privileges]
    return any(found) if permission.any else all(found)


async def require(call: Call, permission: Permission) -> None:
    """Raises Forbidden, Unauthenticated."""
    if not await permitted(call, permission):
        if not call.user:
            raise Unauthenticated("nobody is signed in")
        raise Forbidden(f"Permission check failed ({permission})")
