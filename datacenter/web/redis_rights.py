"""Whether the Redis between daemon and pages lets them do more than they need, said once at start.

Knows nothing of what Redis carries. The settings that leave only that are `redis.conf`, beside this file; a Redis that
does not answer is no matter of this one: `forward.py` and the feed of pages try it again and again.
"""

from __future__ import annotations

import asyncio
import logging

logger = logging.getLogger(__name__)

WITHIN_S = 5.0
TOO_MUCH = (
    "Redis runs scripts (EVAL) for whoever reaches it, this site too. Start it with datacenter/web/redis.conf, or give "
    "its users the rights that are written there."
)


async def runs_scripts(url: str) -> bool | None:
    """Asked for by trying the smallest one there is; None where nobody can tell."""
    from redis.asyncio import Redis  # a node without a Redis needs none of it
    from redis.exceptions import NoPermissionError, RedisError

    client = Redis.from_url(url)
    try:
        async with asyncio.timeout(WITHIN_S):
            await client.execute_command("EVAL", "return 1", 0)
    except NoPermissionError:
        return False
    except (RedisError, OSError, ValueError):
        return None
    finally:
        await client.aclose()
    return True


async def warn(url: str) -> None:
    if url and await runs_scripts(url):
        logger.warning(TOO_MUCH)
