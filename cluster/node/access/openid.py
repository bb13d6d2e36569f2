"""OpenID Connect: where a browser is sent to prove who it is, and whether what it brings back proves that.

Between the two nothing is kept: what was asked travels as `state`, signed with the key of tickets, so that any node can
take the answer; nonce and code verifier come of it by a key the browser does not have. Signatures and claims are
joserfc's. What may become of a user is `handlers/openid.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cluster.access.names import is_user
from cluster.access.sections import Section
from cluster.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from cluster.node.access.directory import Directory
from cluster.node.access.passwords import BoundedPool
from cluster.node.access.tickets import TicketKeys

AT_ONCE, TIMEOUT_S, ANSWER_BYTES_MAX = 4, 5.0, 1 << 20
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
CLAIMS = {"": "sub", "subject": "sub", "username": "preferred_username"}
SCOPES = "email profile"
REFUSED = "The provider's answer does not let you in. Try again, or ask an administrator."
BOUND_TO = "openid"  # no user's name: half a ticket of a user is no state, and no state is half a ticket
LOOPBACK = ("127.0.0.1", "localhost", "::1")

log = logging.getLogger(__name__)

Answer = dict[str, Any]


class OpenId:
    """`keys` and `secret` give the ticket keys and the anti-forgery key of now."""

    def __init__(
        self,
        directory: Directory,
        keys: Callable[[], TicketKeys],
        secret: Callable[[], bytes],
        now_s: Callable[[], float],
    ) -> None:
        self._directory, self._keys, self._secret, self._now_s = directory, keys, secret, now_s
        self._asking = BoundedPool(AT_ONCE)

    async def address(self, realm_name: str, redirect: str) -> str:
        """Where to send the browser. Raises NotFound, InvalidInput, Unavailable."""
        realm = self._realm(realm_name)
        if urlsplit(redirect).scheme not in ("http", "https"):
            raise InvalidInput("That is no page to come back to.", fields={"redirect-url": "must be an address"})
        found = await self._asking.run(_discover, realm.properties)
        mark = secrets.token_urlsafe(16)
        said = json.dumps({"realm": realm_name, "redirect": redirect, "mark": mark})
        state = self._keys().issue_challenge(BOUND_TO, said, self._now_s())
        digest = hashlib.sha256(self._derived("verifier", mark).encode()).digest()
        asked = {
            "response_type": "code", "client_id": realm.properties["client-id"], "redirect_uri": redirect,
            "scope": f"openid {realm.properties.get('scopes') or SCOPES}", "state": state,
            "nonce": self._derived("nonce", mark), "code_challenge": _unpadded(digest), "code_challenge_method": "S256",
        }  # fmt: skip
        asked |= {
            key.replace("-", "_"): realm.properties[key]
            for key in ("prompt", "acr-values")
            if realm.properties.get(key)
        }
        where = str(found["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked, quote_via=quote)}"

    async def claims(self, state: str, code: str, redirect: str) -> tuple[str, Answer]:
        """→ the user who came back, and what the provider says of them. Raises Unauthenticated, Unavailable."""
        try:
            said = json.loads(self._keys().verify_challenge(state, BOUND_TO, self._now_s()))
            realm = self._realm(said["realm"])
            if not hmac.compare_digest(said["redirect"].encode(), redirect.encode()):
                raise Unauthenticated(REFUSED)
            nonce, verifier = self._derived("nonce", said["mark"]), self._derived("verifier", said["mark"])
        except (ValueError, KeyError, TypeError, NotFound):
            raise Unauthenticated(REFUSED) from None
        now_s = int(self._now_s())
        told = await self._asking.run(_claims, dict(realm.properties), code, redirect, nonce, verifier, now_s)
        chosen = realm.properties.get("username-claim", "")
        user = f"{told.get(CLAIMS.get(chosen, chosen), '')}@{realm.name}"
        if not is_user(user):
            log.warning("A provider's claim of a user's name is none that can be one here (realm %s)", realm.name)
            raise Unauthenticated(REFUSED)
        return user, told

    def makes_users(self, user: str) -> bool:
        """Does the user's realm make those who come for the first time?"""
        return self._realm(user.rpartition("@")[2]).is_on("autocreate")

    def _realm(self, name: str) -> Section:
        realm = self._directory.realms().get(name)
        if realm is None or realm.kind != "openid":
            raise NotFound(f"There is no realm {name[:32]} of kind openid.")
        return realm

    def _derived(self, what: str, mark: str) -> str:
        return _unpadded(hmac.digest(self._secret(), f"openid {what} {mark}".encode(), "sha256"))


# --- in a thread: the provider is asked -------------------------------------------------------------------------------


def _discover(settings: Mapping[str, str]) -> Answer:
    issuer = settings["issuer-url"]
    found = _fetch(urllib.request.Request(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    wanted = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if any(not isinstance(found.get(key), str) for key in wanted) or found["issuer"].rstrip("/") != issuer.rstrip("/"):
        raise Unavailable("The provider describes itself in a way that does not fit its address.")
    return found


def _claims(settings: Mapping[str, str], code: str, redirect: str, nonce: str, verifier: str, now_s: int) -> Answer:
    """What the code is good for: the claims of a token that the provider signed, for us, now, in answer to us."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet
    from joserfc.jwt import JWTClaimsRegistry, decode

    found = _discover(settings)
    given = _fetch(_token_request(settings, found, code, redirect, verifier))
    keys: Any = _fetch(urllib.request.Request(found["jwks_uri"]))
    registry = JWTClaimsRegistry(
        now=now_s,
        leeway=LEEWAY_S,
        iss={"essential": True, "value": found["issuer"]},
        aud={"essential": True, "value": settings["client-id"]},
        exp={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims: Answer = decode(str(given["id_token"]), KeySet.import_key_set(keys), algorithms=list(ALGORITHMS)).claims
        registry.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("A provider's token is not believed: %s", type(error).__name__)
        raise Unauthenticated(REFUSED) from None
    if claims.get("azp", settings["client-id"]) != settings["client-id"]:
        raise Unauthenticated(REFUSED)
    return claims


def _token_request(
    settings: Mapping[str, str], found: Answer, code: str, redirect: str, verifier: str
) -> urllib.request.Request:
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier,
        "client_id": settings["client-id"],
    }  # fmt: skip
    headers, key = {"Accept": "application/json"}, settings.get("client-key", "")
    ways = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if key and "client_secret_basic" in ways:
        pair = f"{quote(settings['client-id'], safe='')}:{quote(key, safe='')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif key:
        fields["client_secret"] = key
    return urllib.request.Request(found["token_endpoint"], urlencode(fields).encode(), headers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A client's key is sent to where the provider said, and nowhere else."""

    def redirect_request(self, *_what: Any) -> None:
        return None


def _fetch(request: urllib.request.Request) -> Answer:
    """Raises Unauthenticated for a refusal, Unavailable for what is no answer."""
    parts = urlsplit(request.full_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Unavailable("The provider is not asked without TLS.")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S) as answer:
            found = json.loads(answer.read(ANSWER_BYTES_MAX))
    except urllib.error.HTTPError as error:
        if error.code in (400, 401, 403):
            raise Unauthenticated(REFUSED) from None
        raise Unavailable("The provider does not answer as it should.") from None
    except (OSError, ValueError, RecursionError):
        raise Unavailable("The provider cannot be reached, or answers with what is no JSON.") from None
    if not isinstance(found, dict):
        raise Unavailable("The provider does not answer as it should.")
    return found


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
