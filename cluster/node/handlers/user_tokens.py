"""Requests about API tokens: check one, list, make, change, remove. A value is shown once, when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access import edits
from cluster.access.user_cfg import Token
from cluster.control.access_requests import CheckToken, TokenAdd, TokenChange, TokenList, TokenRemove, TokenShow
from cluster.control.conversation import Handler
from cluster.control.requests import Request
from cluster.errors import InvalidInput
from cluster.node.access import secret_hashes, tokens
from cluster.node.access.directory import Draft
from cluster.node.handlers.users import CONFIRMATION, shown

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    directory = node.access.directory

    async def check(request: CheckToken) -> Any:
        return {"username": node.access.tokens.check(request.token.reveal())}

    async def listing(request: TokenList) -> Any:
        user = edits.user(directory.users(), request.userid)
        return [{"tokenid": name, **shown(user, name)} for name in sorted(user.tokens)]

    async def show(request: TokenShow) -> Any:
        edits.token(directory.users(), request.userid, request.tokenid)
        return shown(directory.users().users[request.userid], request.tokenid)

    async def add(request: TokenAdd) -> Any:
        await node.access.confirmation.in_browser(request, request.confirmation_password, CONFIRMATION)
        value, full = tokens.new_value(), f"{request.userid}!{request.tokenid}"

        def edit(draft: Draft) -> dict[str, Any]:
            made = Token(request.expire, request.privsep, request.comment)
            edits.add_token(draft.users, request.userid, request.tokenid, made)
            draft.tokens.of[full] = secret_hashes.of_token(value)
            return shown(draft.users.users[request.userid], request.tokenid)

        info = await directory.change(edit, user=request.user)
        return {"full-tokenid": full, "info": info, "value": value}

    async def change(request: TokenChange) -> Any:
        if set(request.delete) - {"comment"}:
            raise InvalidInput("Only the comment can be taken away.", fields={"delete": "must be comment"})
        await node.access.confirmation.in_browser(request, request.confirmation_password, CONFIRMATION)
        value, full = tokens.new_value(), f"{request.userid}!{request.tokenid}"

        def edit(draft: Draft) -> dict[str, Any]:
            token = edits.token(draft.users, request.userid, request.tokenid)
            token.expire_s = token.expire_s if request.expire is None else request.expire
            token.privsep = token.privsep if request.privsep is None else request.privsep
            token.comment = token.comment if request.comment is None else request.comment
            if request.delete:
                token.comment = ""
            if request.regenerate:
                draft.tokens.of[full] = secret_hashes.of_token(value)
            return shown(draft.users.users[request.userid], request.tokenid)

        info = await directory.change(edit, user=request.user)
        return {**info, "full-tokenid": full, "value": value} if request.regenerate else info

    async def remove(request: TokenRemove) -> Any:
        def edit(draft: Draft) -> None:
            edits.remove_token(draft.users, request.userid, request.tokenid)
            draft.tokens.of.pop(f"{request.userid}!{request.tokenid}", None)

        await directory.change(edit, user=request.user)

    return {
        CheckToken: check,
        TokenList: listing,
        TokenShow: show,
        TokenAdd: add,
        TokenChange: change,
        TokenRemove: remove,
    }
