"""Orders to the corosync of this node: read corosync.conf again, say how links are, end a node, stop.

Every method waits for corosync; run it through `bounded.py`. All raise CorosyncError.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.corosync.library import ffi, library
from cluster.corosync.status import check

_NODE_STATUS_V1 = 1
_SHUTDOWN_REGARDLESS = 1


@dataclass(frozen=True, slots=True)
class KnetLink:
    """One link of this node towards another. `connected`: answers come back; `mtu` in bytes."""

    number: int
    connected: bool
    mtu: int
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Another node as knet sees it: reachable over at least one link; the links that are configured."""

    node_id: int
    reachable: bool
    links: tuple[KnetLink, ...]


class Cfg:
    def __init__(self) -> None:
        """Connect. Raises CorosyncError."""
        self._ffi, self._lib = ffi(), library("cfg")
        handle = self._ffi.new("corosync_cfg_handle_t *")
        check("corosync_cfg_initialize", self._lib.corosync_cfg_initialize(handle, self._ffi.NULL))
        self._handle = handle[0]

    def close(self) -> None:
        """Never raises."""
        self._lib.corosync_cfg_finalize(self._handle)

    def local_node_id(self) -> int:
        node_id = self._ffi.new("unsigned int *")
        check("corosync_cfg_local_get", self._lib.corosync_cfg_local_get(self._handle, node_id))
        return int(node_id[0])

    def reload(self) -> None:
        """Make the corosync of every member read its corosync.conf again."""
        check("corosync_cfg_reload_config", self._lib.corosync_cfg_reload_config(self._handle))

    def node_status(self, node_id: int) -> NodeStatus:
        """How this node sees another. CS_ERR_NOT_EXIST for one that is not in the nodelist."""
        raw = self._ffi.new("struct corosync_cfg_node_status_v1 *")
        code = self._lib.corosync_cfg_node_status_get(self._handle, node_id, _NODE_STATUS_V1, raw)
        check("corosync_cfg_node_status_get", code)
        links = (
            KnetLink(
                number,
                bool(link.connected),
                link.mtu,
                self._ffi.string(link.src_ipaddr).decode(errors="replace"),
                self._ffi.string(link.dst_ipaddr).decode(errors="replace"),
            )
            for number, link in enumerate(raw.link_status)
            if link.enabled
        )
        return NodeStatus(raw.nodeid, bool(raw.reachable), tuple(links))

    def kill_node(self, node_id: int, reason: str) -> None:
        """Make a member's corosync end itself. CS_ERR_NOT_EXIST for a node that is not a member."""
        code = self._lib.corosync_cfg_kill_node(self._handle, node_id, reason.encode())
        check("corosync_cfg_kill_node", code)

    def shut_down(self) -> None:
        """Stop this node's corosync, whoever else uses it."""
        code = self._lib.corosync_cfg_try_shutdown(self._handle, _SHUTDOWN_REGARDLESS)
        check("corosync_cfg_try_shutdown", code)
