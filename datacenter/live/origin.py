"""Whether a socket was opened by a page of this very site: the browser's word for it, compared exactly.

Only scheme, host and port together name a site; a pattern that matches hosts would let another port in.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings


def is_own(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True when there is one Origin and one Host, and the Origin is this site's, letter for letter."""
    origins = [value for name, value in headers if name == b"origin"]
    hosts = [value for name, value in headers if name == b"host"]
    if len(origins) != 1 or len(hosts) != 1 or not hosts[0]:
        return False
    return origins[0] == settings.QUIRE_ORIGIN_SCHEME.encode() + b"://" + hosts[0]
