"""Every endpoint of the API, gathered from the modules of each noun. The only list: what is not here does not exist.

Paths that only lead to others answer with the names below them, worked out from the list itself.
"""

from __future__ import annotations

from typing import Any

from datacenter.api import access, log, membership, nodes, status, tasks, version
from datacenter.api.endpoint import Call, Endpoint, Handler, NoParameters, Parameters
from datacenter.api.nodes import NodeParameters
from datacenter.api.snapshot import node_state, this_node
from datacenter.api.tasks import TaskParameters

_ANSWERING = (
    *version.ENDPOINTS,
    *access.ENDPOINTS,
    *membership.ENDPOINTS,
    *status.ENDPOINTS,
    *log.ENDPOINTS,
    *nodes.ENDPOINTS,
    *tasks.ENDPOINTS,
)

# path: (its parameters, the field clients look for the names in)
_LEADING: dict[str, tuple[type[Parameters], str]] = {
    "/": (NoParameters, "subdir"),
    "/access": (NoParameters, "subdir"),
    "/cluster": (NoParameters, "name"),
    "/cluster/config": (NoParameters, "name"),
    "/nodes/{node}": (NodeParameters, "name"),
    "/nodes/{node}/tasks/{upid}": (TaskParameters, "name"),
}


def names_below(path: str) -> list[str]:
    """The first step of every path that goes on from `path`, without parameters."""
    start = path.rstrip("/") + "/"
    steps = (each.path.removeprefix(start).split("/")[0] for each in _ANSWERING if each.path.startswith(start))
    return sorted({step for step in steps if step and not step.startswith("{")})


def _index(path: str, field: str) -> Handler:
    async def index(_call: Call, asked: Any) -> list[dict[str, str]]:
        if isinstance(asked, TaskParameters):
            await this_node(asked.node, "the tasks")
        elif isinstance(asked, NodeParameters):
            await node_state(asked.node)
        return [{field: name} for name in names_below(path)]

    return index


ENDPOINTS: tuple[Endpoint, ...] = _ANSWERING + tuple(
    Endpoint("GET", path, "What there is below.", _index(path, field), "any", kind, f"[{{{field}}}]")
    for path, (kind, field) in _LEADING.items()
)
