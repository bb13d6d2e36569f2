"""What each request on the control socket does, one module per noun; `table` joins them.

A handler reads the node's parts and answers, or starts a task. Shapes of requests and answers are in
`cluster/control/requests.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.control.conversation import Handler, StreamHandler
from cluster.control.requests import Request
from cluster.node.handlers import access, configuration, exchange, health, history, nodes, peers, status, store, tasks

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def table(node: Daemon) -> dict[type[Request], Handler]:
    found: dict[type[Request], Handler] = {}
    for module in (status, configuration, tasks, access, store, history, exchange, health, nodes, peers):
        found.update(module.handlers(node))
    return found


def streams(node: Daemon) -> dict[type[Request], StreamHandler]:
    return status.streams(node)
