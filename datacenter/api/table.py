"""Every endpoint of the API, gathered from the modules of each noun. The only list: what is not here does not exist.

Paths that only lead to others answer with the names below them, worked out from the list itself.
"""

from __future__ import annotations

from typing import Any

from datacenter.api import access, log, membership, nodes, realms, rights, status, tasks, user_tokens, users, version
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Handler, NoParameters, Parameters, Row
from datacenter.api.nodes import NodeParameters
from datacenter.api.permission import SIGNED_IN
from datacenter.api.tasks import TaskParameters

_ANSWERING = (
    *version.ENDPOINTS,
    *access.ENDPOINTS,
    *users.ENDPOINTS,
    *user_tokens.ENDPOINTS,
    *rights.ENDPOINTS,
    *realms.ENDPOINTS,
    *membership.ENDPOINTS,
    *status.ENDPOINTS,
    *log.ENDPOINTS,
    *nodes.ENDPOINTS,
    *tasks.ENDPOINTS,
)


class Name(Row):
    name: str


class Subdirectory(Row):
    subdir: str


# path: (its parameters, the rows, with the field in which clients look for names)
_LEADING: dict[str, tuple[type[Parameters], type[Row]]] = {
    "/": (NoParameters, Subdirectory),
    "/access": (NoParameters, Subdirectory),
    "/cluster": (NoParameters, Name),
    "/cluster/config": (NoParameters, Name),
    "/nodes/{node}": (NodeParameters, Name),
    "/nodes/{node}/tasks/{upid}": (TaskParameters, Name),
}


def names_below(path: str) -> list[str]:
    """The first step of every path that goes on from `path`, without parameters."""
    start = path.rstrip("/") + "/"
    steps = (each.path.removeprefix(start).split("/")[0] for each in _ANSWERING if each.path.startswith(start))
    return sorted({step for step in steps if step and not step.startswith("{")})


def _index(path: str, row: type[Row]) -> Handler:
    async def index(_call: Call, _asked: Any) -> list[Row]:
        return [row(**{row.__struct_fields__[0]: name}) for name in names_below(path)]

    return index


ENDPOINTS: tuple[Endpoint, ...] = _ANSWERING + tuple(
    Endpoint("GET", path, "What there is below.", _index(path, row), SIGNED_IN, kind, list[row])  # type: ignore[valid-type]
    for path, (kind, row) in _LEADING.items()
)
