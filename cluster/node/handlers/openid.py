"""Requests about signing in by OpenID Connect: where to send the browser, and what it brings back for a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access import edits
from cluster.access.user_cfg import User
from cluster.control.conversation import Handler
from cluster.control.realm_requests import OpenIdAddress, OpenIdLogin
from cluster.control.requests import Request
from cluster.node.access.openid import Answer
from cluster.node.handlers.access import issue

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

TEXT_LENGTH_MAX = 256


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    access = node.access

    async def address(request: OpenIdAddress) -> Any:
        return await access.openid.address(request.realm, request.redirect_url)

    async def login(request: OpenIdLogin) -> Any:
        user, told = await access.openid.claims(request.state, request.code, request.redirect_url)
        if user not in access.directory.users().users and access.openid.makes_users(user):
            await access.directory.change(lambda draft: edits.add_user(draft.users, user, _made(told), ()), user=user)
        access.rights.demand_active(user)
        node.cluster_log.write(f"successful auth for user '{user}'", user=user, tag="web")
        return issue(node, user, request.address)

    return {OpenIdAddress: address, OpenIdLogin: login}


def _made(told: Answer) -> User:
    """Who comes for the first time, with what the provider says of them, and no rights."""
    text = {key: str(told.get(key) or "")[:TEXT_LENGTH_MAX] for key in ("given_name", "family_name", "email")}
    plain = {key: value if value.isprintable() else "" for key, value in text.items()}
    return User(firstname=plain["given_name"], lastname=plain["family_name"], email=plain["email"])
