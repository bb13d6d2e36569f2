"""What a join is asked for: whom to join and as what, checked at the door. How it is done is `join.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.corosync import names
from cluster.errors import InvalidInput
from cluster.model import Link
from cluster.secret import Secret
from cluster.workflow.create import default_link
from cluster.workflow.host import Host
from cluster.workflow.join_tokens import TOKEN

PEER_USER = "root@pam"
PASSWORD_LENGTH_MAX = 128
NO_TOKEN = Secret()
PASSWORD_WANTED = f"The password of {PEER_USER} on the peer is needed (at most {PASSWORD_LENGTH_MAX} characters)."


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """Whom to join and as what; every value is checked."""

    hostname: str
    fingerprint: str
    password: Secret
    links: tuple[Link, ...] = ()
    node_id: int | None = None
    votes: int | None = None
    force: bool = False
    token: Secret = NO_TOKEN
    cluster_uuid: str = ""
    brings: bool = False  # what this node has of its own comes along


def plan_join(
    host: Host,
    hostname: str,
    fingerprint: str,
    password: Secret,
    links: Mapping[int, str] | None = None,
    nodeid: int | None = None,
    votes: int | None = None,
    force: bool = False,
    token: Secret = NO_TOKEN,
    cluster_uuid: str = "",
    brings: bool = False,
) -> JoinPlan:
    """With a join token no password is needed. Raises InvalidInput naming the field."""
    near = host.engine_name != "corosync"
    address = names.link_address(hostname, "hostname", allow_loopback=near)
    if token and not TOKEN.fullmatch(token.reveal()):
        raise InvalidInput("This is no join token.", fields={"token": "This is no join token."})
    if token:
        password = Secret()
    elif not password or len(password.reveal()) > PASSWORD_LENGTH_MAX or "\0" in password.reveal():
        raise InvalidInput(PASSWORD_WANTED, fields={"password": PASSWORD_WANTED})
    chosen = names.links(links or {}, allow_loopback=near)
    if not chosen:
        default_link(host)
    return JoinPlan(
        address,
        names.fingerprint(fingerprint),
        password,
        chosen,
        None if nodeid is None else names.node_id(nodeid),
        None if votes is None else names.votes(votes),
        force,
        token,
        cluster_uuid,
        brings,
    )
