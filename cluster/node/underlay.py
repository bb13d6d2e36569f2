"""What is under a clustered node's engine: corosync as a service, for loopback only the wire, or a pretended cluster.

The one place that knows which engine a node was started with. It can be asked without an open store: is it running,
stop it, would it take this file.
"""

from __future__ import annotations

import contextlib
from typing import Protocol

from cluster.corosync.bounded import bounded
from cluster.corosync.cfg import Cfg
from cluster.corosync.service import CorosyncService
from cluster.corosync.votequorum import Votequorum
from cluster.engine.base import Engine
from cluster.engine.corosync import CorosyncEngine
from cluster.engine.loopback import LoopbackEngine
from cluster.errors import CorosyncError
from cluster.node.options import Options
from cluster.node.simulation.world import Own, World

END_TIMEOUT_S = 5.0


class Underlay(Protocol):
    """`start` and `stop` are bounded, idempotent, and raise Unavailable with the reason."""

    def engine(self, node_id: int) -> Engine:
        """A new engine of the node with this id, not yet started."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def is_running(self) -> bool: ...

    async def end_member(self, node_id: int) -> bool:
        """Make another member's engine end itself, where that is possible; whether there was such a member."""

    async def expect(self, engine: Engine, votes: int) -> None:
        """Count on so many votes from now on, until the configuration is read again. Raises Unavailable."""

    async def expect_configured(self, engine: Engine) -> None:
        """Count on the configured votes again. Raises Unavailable."""

    async def check(self, conf: bytes) -> str:
        """Why this configuration would be refused, in one line; "" when it would be taken."""


class CorosyncUnderlay:
    """Real corosync on this host."""

    def __init__(self, options: Options) -> None:
        self._service = CorosyncService(options.configuration, options.state_dir)

    def engine(self, node_id: int) -> Engine:
        return CorosyncEngine()

    async def start(self) -> None:
        await self._service.start()

    async def stop(self) -> None:
        await self._service.stop()

    async def is_running(self) -> bool:
        return await self._service.is_running()

    async def end_member(self, node_id: int) -> bool:
        def kill() -> None:
            with contextlib.closing(Cfg()) as cfg:
                cfg.kill_node(node_id, "This node was removed from the cluster.")

        try:
            await bounded(kill, END_TIMEOUT_S, "ending a removed node's corosync")
        except CorosyncError as error:
            if error.status == "CS_ERR_NOT_EXIST":  # it is not a member now, which is as good
                return False
            raise
        return True

    async def expect(self, engine: Engine, votes: int) -> None:
        def set_expected() -> None:
            with contextlib.closing(Votequorum()) as votequorum:
                votequorum.set_expected(votes)

        await bounded(set_expected, END_TIMEOUT_S, "setting the expected votes")

    async def expect_configured(self, engine: Engine) -> None:
        await engine.reload()

    async def check(self, conf: bytes) -> str:
        return "; ".join(await self._service.check(conf))


class LoopbackUnderlay:
    """Several nodes on one machine: the wire starts by itself and ends by itself."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def engine(self, node_id: int) -> Engine:
        options = self._options
        return LoopbackEngine(options.configuration, options.authkey, node_id, options.wire)

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return

    async def is_running(self) -> bool:
        return False

    async def end_member(self, node_id: int) -> bool:
        return False

    async def expect(self, engine: Engine, votes: int) -> None:
        if isinstance(engine, LoopbackEngine):
            engine.expect(votes)

    async def expect_configured(self, engine: Engine) -> None:
        if isinstance(engine, LoopbackEngine):
            engine.expect(None)

    async def check(self, conf: bytes) -> str:
        return ""


def make_underlay(options: Options, own: Own) -> Underlay:
    """`own` gives this node's disk and machine, which the other nodes of a simulated cluster learn from."""
    if options.engine == "simulated":
        return World(options, own)
    return CorosyncUnderlay(options) if options.engine == "corosync" else LoopbackUnderlay(options)
