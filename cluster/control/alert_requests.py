"""Requests about alerts: what is wrong now, the rules, targets and silences, and trying a target.

Like `requests.py`, whose manner and rules hold here too.
"""

from __future__ import annotations

from cluster.control.requests import Request
from cluster.secret import Secret


class Alerts(Request, tag="alert.list"):
    """→ {leads, current: [{key, kind, node, sentence, since_s, told, silenced}], settings: [{type, id, …}]}: settings
    without secrets, `secret` says whether there is one."""

    user: str = "root@pam"


class AlertSet(Request, tag="alert.set"):
    """→ null. Make or replace a rule, target or silence. `value` is its secret: None leaves it, empty takes it away.
    Raises InvalidInput."""

    type: str
    id: str
    properties: dict[str, str] = {}
    value: Secret | None = None
    user: str = "root@pam"


class AlertRemove(Request, tag="alert.remove"):
    """→ null. Raises NotFound."""

    type: str
    id: str
    user: str = "root@pam"


class AlertTest(Request, tag="alert.test"):
    """→ {arrived, answer}: a message sent to the target now, and what it answered. Raises NotFound."""

    type: str
    id: str
    user: str = "root@pam"
