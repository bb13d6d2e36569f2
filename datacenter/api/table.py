"""Every endpoint of the API, gathered from the modules of each noun. The only list: what is not here does not exist.

Paths that only lead to others answer with the names below them, worked out from the list itself.
"""

from __future__ import annotations

import re
import typing
from typing import Any

import msgspec

from datacenter.api import (
    access,
    ahead,
    alerts,
    checks,
    conflicts,
    empty,
    events,
    expected,
    ha,
    health,
    history,
    host,
    importing,
    join_tokens,
    links,
    log,
    membership,
    nodes,
    openid,
    options,
    realms,
    removal,
    renaming,
    report,
    rights,
    second_factors,
    sessions,
    status,
    storage,
    store,
    tasks,
    user_tokens,
    users,
    version,
    witness,
)
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import SIGNED_IN

_ANSWERING = (
    *version.ENDPOINTS,
    *access.ENDPOINTS,
    *users.ENDPOINTS,
    *user_tokens.ENDPOINTS,
    *rights.ENDPOINTS,
    *second_factors.ENDPOINTS,
    *sessions.ENDPOINTS,
    *realms.ENDPOINTS,
    *openid.ENDPOINTS,
    *membership.ENDPOINTS,
    *checks.ENDPOINTS,
    *removal.ENDPOINTS,
    *renaming.ENDPOINTS,
    *importing.ENDPOINTS,
    *join_tokens.ENDPOINTS,
    *links.ENDPOINTS,
    *ahead.ENDPOINTS,
    *health.ENDPOINTS,
    *expected.ENDPOINTS,
    *witness.ENDPOINTS,
    *status.ENDPOINTS,
    *log.ENDPOINTS,
    *events.ENDPOINTS,
    *alerts.ENDPOINTS,
    *options.ENDPOINTS,
    *nodes.ENDPOINTS,
    *host.ENDPOINTS,
    *history.ENDPOINTS,
    *report.ENDPOINTS,
    *tasks.ENDPOINTS,
    *storage.ENDPOINTS,
    *ha.ENDPOINTS,
    *empty.ENDPOINTS,
    *store.ENDPOINTS,
    *conflicts.ENDPOINTS,
)


class Name(Row):
    name: str


class Subdirectory(Row):
    subdir: str


class Identifier(Row):
    id: str


# The field in which clients look for the names; it is `name` where nothing else is said.
_FIELDS: dict[str, type[Row]] = {
    "/": Subdirectory,
    "/access": Subdirectory,
    "/cluster/backup-info": Subdirectory,
    "/cluster/ha": Identifier,
    "/nodes/{node}/services/{service}": Subdirectory,
}


def names_below(path: str) -> list[str]:
    """The first step of every path that goes on from `path`, without parameters."""
    start = path.rstrip("/") + "/"
    steps = (each.path.removeprefix(start).split("/")[0] for each in _ANSWERING if each.path.startswith(start))
    return sorted({step for step in steps if step and not step.startswith("{")})


def _index(path: str) -> Endpoint:
    row = _FIELDS.get(path, Name)

    async def index(_call: Call, _asked: Any) -> list[Row]:
        return [row(**{row.__struct_fields__[0]: name}) for name in names_below(path)]

    in_path = re.findall(r"{(\w+)}", path)
    kind: Any = NoParameters
    if in_path:
        title = "".join(step.strip("{}").capitalize() for step in path.split("/"))
        kind = msgspec.defstruct(
            f"{title}IndexParameters", [(name, _type_of(name)) for name in in_path], bases=(Parameters,), kw_only=True
        )
    returns = list[row]  # type: ignore[valid-type]
    return Endpoint("GET", path, "What there is below.", index, SIGNED_IN, kind, returns)


def _type_of(name: str) -> Any:
    """A parameter's type, as the endpoint that has it in its path says."""
    having = next(each for each in _ANSWERING if f"{{{name}}}" in each.path)
    return typing.get_type_hints(having.parameters, include_extras=True)[name]


def _leading() -> list[str]:
    """Every beginning of a path that answers nothing itself."""
    steps = [each.path.split("/") for each in _ANSWERING]
    beginnings = {"/".join(parts[:length]) or "/" for parts in steps for length in range(1, len(parts))}
    return sorted(beginnings - {each.path for each in _ANSWERING if each.method == "GET"})


ENDPOINTS: tuple[Endpoint, ...] = _ANSWERING + tuple(_index(path) for path in _leading())
