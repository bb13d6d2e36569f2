"""A signed-in user's browser over a real daemon, without the browser."""

from __future__ import annotations

import hashlib
import html
import time
from typing import Any
from urllib.parse import quote

from django.test import AsyncClient

from cluster.node.access.tickets import issue_csrf_token
from cluster.node.first_start import AUTHORITY
from cluster.node.handlers.access import MARK_DIGITS
from datacenter.access.cookie import PREFIX
from tests.node.alone import Alone


class Reader:
    """Carries a ticket and the token that belongs to it; what it sends is sent as htmx sends it."""

    def __init__(self, node: Alone, user: str) -> None:
        self.client = AsyncClient()
        ticket = node.daemon.keys.tickets().issue(user, time.time() - 5)  # no other is of that second
        self.client.cookies[cookie_of(node)] = quote(ticket, safe="")
        token = issue_csrf_token(node.daemon.keys.csrf(), user, time.time())
        self.headers = {"Sec-Fetch-Site": "same-origin", "CSRFPreventionToken": token}

    async def get(self, path: str, /, **query: str) -> Any:
        return await self.client.get(path, query, headers=self.headers, secure=True)

    async def page(self, path: str, /, **query: str) -> str:
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.content.decode()
        return text(answer)

    async def post(self, path: str, /, **fields: Any) -> Any:
        return await self.client.post(path, fields, headers={**self.headers, "HX-Request": "true"}, secure=True)


def cookie_of(node: Alone) -> str:
    """What a browser's cookie is called at this node."""
    authority = node.daemon.life.tree.read(AUTHORITY)
    assert authority is not None
    return PREFIX + hashlib.sha256(authority).hexdigest()[:MARK_DIGITS]


def text(response: Any) -> str:
    return html.unescape(response.content.decode())
