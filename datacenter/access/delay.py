"""Makes a failed sign-in slow, without holding up anybody else."""

from __future__ import annotations

import asyncio

from django.conf import settings
from django.utils.translation import gettext

from cluster.errors import Busy

DELAY_S_DEFAULT = 3.0
DELAYED_MAX = 200

_delayed = 0


async def after_failed_sign_in(started_s: float) -> None:
    """Wait until three seconds after `started_s` (the event loop's time), whatever the check itself took.

    Raises Busy when very many are waiting already: each costs memory, and that many are no users.
    """
    global _delayed
    if _delayed >= DELAYED_MAX:
        raise Busy(gettext("Too many failed sign-ins. Wait a moment and try again."))
    wanted_s = float(getattr(settings, "QUIRE_LOGIN_DELAY_S", DELAY_S_DEFAULT))
    _delayed += 1
    try:
        await asyncio.sleep(max(0.0, started_s + wanted_s - asyncio.get_running_loop().time()))
    finally:
        _delayed -= 1
