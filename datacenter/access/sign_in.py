"""What views see of signing in: who a request is from, and where one goes afterwards.

The cookie that holds the ticket is `cookie.py`; how the ticket is checked is `tickets.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.http import url_has_allowed_host_and_scheme

from cluster.secret import Secret


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user whose ticket the daemon found good a moment ago, or a token `user@realm!name`, which has no ticket.
    `in_browser` says that the ticket came in a browser's own cookie."""

    username: str
    ticket: Secret
    in_browser: bool = False

    @property
    def is_token(self) -> bool:
        return not self.ticket


def local_path(text: str, default: str = "/") -> str:
    """`text` when it is a path on this site, else `default`: where to go after signing in is part of a link anyone
    can write."""
    is_path = text.startswith("/") and "\\" not in text and text.isprintable()
    return text if is_path and url_has_allowed_host_and_scheme(text, allowed_hosts=None) else default
