"""Requests about sessions and second factors; `access_requests.py`, whose manner holds here too, names them as well."""

from __future__ import annotations

from cluster.control.request import Request
from cluster.secret import Secret

# --- sessions -----------------------------------------------------------------------------------------------------


class SessionList(Request, tag="access.sessions"):
    """→ [{id, user, started, address, node, issued, current: 0 or 1}] of `userid` (default: who asks), newest first.
    `ticket` is the asker's, to tell which is the current one."""

    user: str
    userid: str | None = None
    ticket: Secret = Secret()


class SessionEnd(Request, tag="access.session-end"):
    """→ null. Its ticket is refused on every node as soon as the change is there."""

    user: str
    id: str


class SessionEndAll(Request, tag="access.session-end-all"):
    """→ null. Every ticket of `userid` (default: who asks) is refused from now on; API tokens are not touched. A
    browser's session confirms it with the asker's own password."""

    user: str
    userid: str | None = None
    confirmation_password: Secret | None = None
    address: str = ""
    in_browser: bool = False


class SignOut(Request, tag="access.sign-out"):
    """→ null. This ticket is refused from now on."""

    ticket: Secret


# --- second factors -----------------------------------------------------------------------------------------------


class FactorsList(Request, tag="access.tfa"):
    """→ [{userid, entries: [{id, type, description, created, enable}], totp-locked?, tfa-locked-until?}]"""

    user: str


class FactorsOf(Request, tag="access.tfa-of"):
    """→ [{id, type, description, created, enable}]"""

    user: str
    userid: str


class FactorAdd(Request, tag="access.tfa-add"):
    """→ {id, recovery?: [code], challenge?}. `password` is the asker's, needed unless root@pam asks by a program.

    totp: `totp` is the otpauth address, `value` a code it shows. recovery: the codes are shown this once. webauthn:
    first without `challenge`, which answers with one for the browser and its `proof`; then with the proof as the
    challenge, `value` being the browser's answer. `origin` is the page's site, https://host:port."""

    user: str
    userid: str
    type: str
    description: str = ""
    totp: Secret | None = None
    value: Secret | None = None
    challenge: Secret | None = None
    origin: str = ""
    password: Secret | None = None
    address: str = ""
    in_browser: bool = False


class FactorChange(Request, tag="access.tfa-change"):
    """→ null."""

    user: str
    userid: str
    id: str
    description: str | None = None
    enable: bool | None = None
    password: Secret | None = None
    address: str = ""
    in_browser: bool = False


class FactorRemove(Request, tag="access.tfa-remove"):
    """→ null."""

    user: str
    userid: str
    id: str
    password: Secret | None = None
    address: str = ""
    in_browser: bool = False


class FactorsUnlock(Request, tag="access.tfa-unlock"):
    """→ 1 if the user's second factors were locked, else 0."""

    user: str
    userid: str
