"""What anybody may send, sent by everybody: random calls made from the description, as every role and without one.

Schemathesis makes the calls and holds each answer to the description; a real daemon decides who may. The oracle reads
the description's permissions, not the code that decides: who has not what it says is refused before anything else.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from django.test import AsyncClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cluster.access.privileges import BUILT_IN
from cluster.control import access_requests as ask
from cluster.node.access.tickets import issue_csrf_token
from datacenter import gateway
from datacenter.access import tickets
from datacenter.api.openapi import document
from datacenter.api.table import ENDPOINTS
from tests.api.test_matrix import may
from tests.node.alone import Alone, alone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT, OWNER, BASE = "root@pam", "owner@pve", "https://testserver/api2/json"
ROLES = ("NoAccess", "PVEAuditor", "PVESysAdmin", "PVEUserAdmin", "PVEAdmin", "Administrator")
CUSTOM = frozenset({"Sys.Modify", "Realm.Allocate", "Permissions.Modify"})
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
# Failed sign-ins are slowed down; whose sessions end, or whose password is changed, cannot go on here.
NOT_SENT = {"POST /access/ticket", "POST /access/openid/login", "DELETE /access/sessions", "PUT /access/password"}
REFUSALS = {500, 501, 503, 504, 506, 595, 596}


@dataclass
class Caller:
    """Who sends; `held` is what the oracle believes them to have, everywhere."""

    name: str
    user: str = ""
    held: frozenset[str] = frozenset()
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, case: Any) -> tuple[requests.PreparedRequest, Any]:
        asked = case.as_transport_kwargs(base_url=BASE)
        sent = requests.Request(**{name: value for name, value in asked.items() if name != "cookies"}).prepare()
        kind = sent.headers.get("Content-Type", "") if sent.body is not None else ""
        answer = await AsyncClient().generic(
            str(sent.method), sent.path_url, sent.body or "", content_type=kind, headers=self.headers, secure=True
        )
        return sent, answer


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        yield started
        await gateway.client().close()


@pytest.fixture
async def callers(node: Alone) -> list[Caller]:
    """Anonymous, nobody in particular, every role that is told from others here, one of its own, and two tokens."""
    await node.ask(ask.RoleAdd(ROOT, "Keeper", sorted(CUSTOM)))
    held = {"nobody": frozenset(), **{role: BUILT_IN[role] for role in ROLES}, "Keeper": CUSTOM}
    made = [Caller("anonymous")]
    for role, privileges in held.items():
        user = f"{role.lower()}@pve"
        await node.ask(ask.UserAdd(ROOT, user))
        if role != "nobody":
            await node.ask(ask.AclChange(ROOT, "/", [role], users=[user]))
        made.append(Caller(role, user, privileges, signed_in(node, user)))
    await node.ask(ask.UserAdd(ROOT, OWNER))
    await node.ask(ask.AclChange(ROOT, "/", ["Administrator"], users=[OWNER]))
    for name, role in (("bare", ""), ("watching", "PVEAuditor")):
        token = await node.ask(ask.TokenAdd(ROOT, OWNER, name))
        if role:
            await node.ask(ask.AclChange(ROOT, "/", [role], tokens=[token["full-tokenid"]]))
        header = {"Authorization": f"PVEAPIToken={token['full-tokenid']}={token['value']}"}
        made.append(Caller(name, token["full-tokenid"], BUILT_IN[role] if role else frozenset(), header))
    return made


def signed_in(node: Alone, user: str) -> dict[str, str]:
    ticket = node.daemon.keys.tickets().issue(user, time.time() - 5)
    token = issue_csrf_token(node.daemon.keys.csrf(), user, time.time())
    return {"Authorization": f"PVEAuthCookie={quote(ticket, safe='')}", "CSRFPreventionToken": token}


def cases() -> Iterator[tuple[Any, Any]]:
    """Of every operation a right call or two, and a wrong one where there is something to get wrong; this node's name
    where a node is named, for another one is only looked for."""
    described = json.loads(document(ENDPOINTS, "1"))
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = found.ok()
        if operation.label in NOT_SENT:
            continue
        permission = described["paths"][operation.path][operation.method.lower()]["x-permission"]
        takes = bool(operation.path_parameters or operation.query or operation.body)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[: 1 + takes]:
            count = 2 if takes and mode is GenerationMode.POSITIVE else 1
            for case in made(operation.as_strategy(generation_mode=mode), count):
                if "node" in (case.path_parameters or {}):
                    case.path_parameters["node"] = "alpha"
                yield case, permission


def made(strategy: Any, count: int) -> list[Any]:
    """The same ones each time."""
    found: list[Any] = []

    @settings(
        max_examples=count, database=None, phases=[Phase.generate], derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


def wrong(caller: Caller, case: Any, permission: Any, status: int, body: bytes) -> str:
    """Why this answer must not be; nothing when it may."""
    if permission == {"user": "world"}:
        return ""
    if not caller.user:
        return "" if (status, body) == (401, b"") else "a stranger was answered"
    if status == 401:
        return "its ticket or token was refused"
    if "description" not in permission:
        refused = status == 403
        return "" if refused != may(permission, caller.held) else "refused" if refused else "let in"
    if not caller.held and case.method != "GET" and status == 200 and not of_itself(case, caller):
        return "changed something, and may nothing"
    return ""


def of_itself(case: Any, caller: Caller) -> bool:
    return (case.path_parameters or {}).get("userid") == caller.user


def fault(case: Any, sent: requests.PreparedRequest, answer: Any) -> str:
    """Where the answer is not what the description says, or is an error nobody foresaw."""
    if answer.status_code >= 500:
        message = json.loads(answer.content)["message"].strip()
        if answer.status_code not in REFUSALS or not message or "internal error" in message:
            return f"{answer.status_code} {message}"
        if answer.status_code in (500, 506):
            return ""
    headers = {name.lower(): [value] for name, value in answer.headers.items()}
    told = schemathesis.Response(answer.status_code, headers, answer.content, sent, 0.0, True)
    try:
        case.validate_response(told, checks=CHECKS)
    except BaseExceptionGroup as problems:
        return "; ".join(str(one).splitlines()[0] for one in problems.exceptions)
    return ""


async def test_t28_nobody_reaches_more_than_their_role_and_no_answer_is_undescribed(
    node: Alone, callers: list[Caller]
) -> None:
    found: list[str] = []
    sent_count = 0
    for case, permission in cases():
        for caller in callers:
            sent, answer = await caller.send(case)
            sent_count += 1
            why = wrong(caller, case, permission, answer.status_code, answer.content) or fault(case, sent, answer)
            if why:
                found.append(f"{caller.name}: {case.method} {sent.path_url[:80]} → {answer.status_code}: {why}")
    assert found == [], "\n" + "\n".join(found[:60])
    assert sent_count > 3000
