"""Makes Twisted run on the asyncio loop that is already running. Must come before anything that imports Twisted.

Twisted picks its event loop at the first import of `twisted.internet.reactor`, for the life of the process. So this
module imports nothing of Twisted at its top, and every module that does is imported after `install` was called.
"""

from __future__ import annotations

import asyncio
import logging
import sys

logger = logging.getLogger(__name__)


def install() -> None:
    """Bind Twisted to the running loop and start it. A second call on the same loop does nothing."""
    loop = asyncio.get_running_loop()
    installed = sys.modules.get("twisted.internet.reactor")
    if installed is not None:
        if getattr(installed, "_asyncioEventloop", None) is not loop:
            raise RuntimeError("Twisted already runs on another event loop; one process serves from one loop")
        return
    from twisted.internet import asyncioreactor

    asyncioreactor.install(loop)
    _log_failures_only()
    from twisted.internet import reactor

    reactor.startRunning(installSignalHandlers=False)
    _forget_the_loop_daphne_makes(loop)


def _log_failures_only() -> None:
    """Twisted's own log, from warnings up, into Python's logging; its chatter about ports and timeouts is not kept."""
    from twisted.logger import (
        FilteringLogObserver,
        LogLevel,
        LogLevelFilterPredicate,
        STDLibLogObserver,
        globalLogBeginner,
    )

    enough = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    globalLogBeginner.beginLoggingTo(
        [FilteringLogObserver(STDLibLogObserver("twisted"), [enough])], redirectStandardIO=False, discardBuffer=True
    )


def _forget_the_loop_daphne_makes(loop: asyncio.AbstractEventLoop) -> None:
    """`daphne.server` makes an event loop when it is imported, in case nobody else has; ours is here already."""
    import daphne.server

    if daphne.server.twisted_loop is not loop:
        daphne.server.twisted_loop.close()
