"""Join tokens: whoever carries one may add a node, without a password, so many times and until then.

They lie in the tree with the SHA-256 of their secret, so that every member knows them and nobody can read one again.
A use is reserved when a node is added and given back when its join does not come through: a failed try burns nothing.
How a token travels is `invitation.py`; the adding itself `add_node.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

import msgspec

from cluster.core.operations import digest_of
from cluster.errors import (
    Busy,
    Conflict,
    InvalidInput,
    NotFound,
    TokenClock,
    TokenExpired,
    TokenForeign,
    TokenRefused,
    TokenRevoked,
    TokenUsedUp,
    Unavailable,
)
from cluster.workflow.cleaning import Cleaning
from cluster.workflow.clock import Clock
from cluster.workflow.host import Host

PATH = "priv/join-tokens.json"
TOKENS_MAX, USES_MAX, HOURS_MAX = 64, 1000, 24 * 30
KEPT_S = 24 * 3600  # how long a token that is good no more stays listed
CLOCK_S = 300
ATTEMPTS = 8
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?")
TOKEN = re.compile(r"(?P<id>[0-9a-f]{12})\.(?P<secret>[A-Za-z0-9_-]{43})")


class JoinToken(msgspec.Struct, frozen=True):
    """`used_by` are the nodes that came, or are coming, with it."""

    id: str
    name: str
    sha256: str
    uses: int
    made_s: int
    expires_s: int
    user: str
    used_by: tuple[str, ...] = ()
    revoked_s: int = 0

    def state(self, now_s: float) -> str:
        """good, revoked, expired or used-up."""
        if self.revoked_s:
            return "revoked"
        if now_s > self.expires_s:
            return "expired"
        return "used-up" if len(self.used_by) >= self.uses else "good"


class JoinTokens:
    """The tokens in the tree of this host's cluster."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host, self._clock = host, clock

    async def list(self) -> tuple[JoinToken, ...]:
        return (await self._read())[0]

    async def create(self, name: str, uses: int, hours: float, user: str) -> tuple[JoinToken, str]:
        """→ the token and its text, which is known only now. Raises InvalidInput, Conflict, NoQuorum."""
        _check(name, uses, hours)
        now_s, secret = int(self._clock.unix_s()), secrets.token_urlsafe(32)
        made = JoinToken(secrets.token_hex(6), name, _hash(secret), uses, now_s, now_s + int(hours * 3600), user)

        def add(tokens: tuple[JoinToken, ...]) -> tuple[JoinToken, ...]:
            if any(one.name == name and one.state(now_s) == "good" for one in tokens):
                raise Conflict(f"There is a join token {name} already.", fields={"name": "Choose another name."})
            kept = tuple(one for one in tokens if max(one.expires_s, one.revoked_s) + KEPT_S > now_s)
            if len(kept) >= TOKENS_MAX:
                raise Busy(f"There are {TOKENS_MAX} join tokens. Revoke some first.")
            return (*kept, made)

        await self._change(add)
        await self._host.cluster_log(f"join token {name} made by {user}")
        return made, f"{made.id}.{secret}"

    async def revoke(self, name: str, user: str) -> None:
        """Nobody joins with it any more; who has joined stays. Raises NotFound."""
        now_s = int(self._clock.unix_s())

        def revoked(tokens: tuple[JoinToken, ...]) -> tuple[JoinToken, ...]:
            if not any(one.name == name and not one.revoked_s for one in tokens):
                raise NotFound(f"There is no join token {name[:64]}.")
            return tuple(
                msgspec.structs.replace(one, revoked_s=now_s) if one.name == name and not one.revoked_s else one
                for one in tokens
            )

        await self._change(revoked)
        await self._host.cluster_log(f"join token {name} revoked by {user}")

    async def check(self, text: str, cluster_uuid: str, theirs_s: float, node: str = "") -> JoinToken:
        """The token this text is, if it opens the door now; a node that has a use reserved may come again. Raises the
        kinds of TokenRefused."""
        now_s = self._clock.unix_s()
        parts = TOKEN.fullmatch(text)
        found = next((one for one in await self.list() if parts and one.id == parts["id"]), None)
        if cluster_uuid not in ("", await self._host.cluster_uuid()) or found is None or parts is None:
            raise TokenForeign("This join token is not of this cluster. Copy it from a member of the cluster to join.")
        if not hmac.compare_digest(found.sha256, _hash(parts["secret"])):
            raise TokenForeign("This join token is not of this cluster. Copy it from a member of the cluster to join.")
        if abs(theirs_s - now_s) > CLOCK_S:
            minutes = round(abs(theirs_s - now_s) / 60)
            raise TokenClock(
                f"The clocks of the two nodes are {minutes} minutes apart. Set them right, then try again."
            )
        _raise_unless_good(found, now_s, node)
        return found

    async def reserve(self, token: JoinToken, node: str) -> None:
        """One use is this node's. Raises the kinds of TokenRefused."""

        def used(tokens: tuple[JoinToken, ...]) -> tuple[JoinToken, ...]:
            for one in tokens:
                if one.id == token.id:
                    _raise_unless_good(one, self._clock.unix_s(), node)
            return tuple(
                msgspec.structs.replace(one, used_by=tuple(dict.fromkeys((*one.used_by, node))))
                if one.id == token.id else one
                for one in tokens
            )  # fmt: skip

        await self._change(used)

    async def release(self, node: str) -> None:
        """The node's join did not come through: its use may be another's."""
        if any(node in one.used_by for one in await self.list()):
            await self._change(
                lambda tokens: tuple(
                    msgspec.structs.replace(one, used_by=tuple(each for each in one.used_by if each != node))
                    for one in tokens
                )
            )

    async def _read(self) -> tuple[tuple[JoinToken, ...], str]:
        stored = await self._host.store_read(PATH)
        if stored is None:
            return (), ""
        try:
            return msgspec.json.decode(stored.data, type=tuple[JoinToken, ...]), stored.digest
        except msgspec.DecodeError as error:
            raise Unavailable(f"The join tokens, {PATH}, cannot be read.") from error

    async def _change(self, edit: Callable[[tuple[JoinToken, ...]], tuple[JoinToken, ...]]) -> None:
        """By compare-and-set: what another member did meanwhile is read again."""
        for attempt in range(ATTEMPTS):
            tokens, digest = await self._read()
            fresh = msgspec.json.format(msgspec.json.encode(edit(tokens)), indent=1)
            if digest == digest_of(fresh):
                return
            try:
                await self._host.store_clean(Cleaning(expected={PATH: digest}, written={PATH: fresh}))
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return


def _raise_unless_good(token: JoinToken, now_s: float, node: str) -> None:
    state = token.state(now_s)
    if state == "good" or (state == "used-up" and node in token.used_by):
        return
    refusals: dict[str, tuple[type[TokenRefused], str]] = {
        "revoked": (TokenRevoked, f"The join token {token.name} was revoked. Ask for a new one."),
        "expired": (TokenExpired, f"The join token {token.name} has expired. Make a new one on a member."),
        "used-up": (TokenUsedUp, f"The join token {token.name} is used up ({token.uses} of {token.uses} uses)."),
    }
    kind, sentence = refusals[state]
    raise kind(sentence)


def _check(name: str, uses: int, hours: float) -> None:
    faults = {}
    if not NAME.fullmatch(name):
        faults["name"] = "A name has 1 to 64 letters, digits, spaces, dots and dashes."
    if not 1 <= uses <= USES_MAX:
        faults["uses"] = f"This is a whole number from 1 to {USES_MAX}."
    if not 0 < hours <= HOURS_MAX:
        faults["hours"] = f"This is a number of hours up to {HOURS_MAX}."
    if faults:
        raise InvalidInput(next(iter(faults.values())), fields=faults)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
