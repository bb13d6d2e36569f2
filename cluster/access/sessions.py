"""`priv/sessions.cfg`: who signed in from where, and which tickets are good no more before their time.

A session begins with a password and goes on with every renewal of its ticket; its ticket is known by user and second
of issue, which is all a ticket says. What is not in the list is no worse for it: a node that could not write still lets
people in, and only what was ended is refused. Times are Unix seconds, whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

PATH = "priv/sessions.cfg"
PER_USER_MAX = 50
SESSIONS_MAX = 2000

Entry = dict[str, Any]


@dataclass(slots=True)
class Sessions:
    """`of`: id → {user, started, address, node, issued}; `ended`: user → tickets of this second and before are dead,
    `ended_tickets`: user → the seconds of single ones."""

    of: dict[str, Entry] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    ended_tickets: dict[str, list[int]] = field(default_factory=dict)

    def begin(self, session_id: str, user: str, issued_s: int, address: str, node: str) -> None:
        self.of[session_id] = {"user": user, "started": issued_s, "address": address, "node": node, "issued": issued_s}
        own = sorted((one["issued"], each) for each, one in self.of.items() if one["user"] == user)
        for _, oldest in own[: max(0, len(own) - PER_USER_MAX)]:
            del self.of[oldest]
        while len(self.of) > SESSIONS_MAX:
            del self.of[min(self.of, key=lambda each: int(self.of[each]["issued"]))]

    def renew(self, user: str, former_s: int, issued_s: int) -> None:
        found = self.find(user, former_s)
        if found is not None:
            self.of[found]["issued"] = issued_s

    def find(self, user: str, issued_s: int) -> str | None:
        """The session whose newest ticket this is."""
        return next((each for each, one in self.of.items() if (one["user"], one["issued"]) == (user, issued_s)), None)

    def end(self, session_id: str) -> bool:
        """→ was there such a session?"""
        found = self.of.pop(session_id, None)
        if found is None:
            return False
        self.end_ticket(found["user"], found["issued"])
        return True

    def end_ticket(self, user: str, issued_s: int) -> None:
        self.ended_tickets[user] = sorted({*self.ended_tickets.get(user, []), issued_s})
        found = self.find(user, issued_s)
        if found is not None:
            del self.of[found]

    def end_all(self, user: str, now_s: int) -> None:
        self.ended[user] = max(now_s, self.ended.get(user, 0))
        self.ended_tickets.pop(user, None)
        self.of = {each: one for each, one in self.of.items() if one["user"] != user}

    def is_ended(self, user: str, issued_s: int) -> bool:
        return issued_s <= self.ended.get(user, -1) or issued_s in self.ended_tickets.get(user, ())

    def prune(self, before_s: int) -> None:
        """Forget what tickets issued before `before_s`, which have ended by themselves, were about."""
        self.of = {each: one for each, one in self.of.items() if one["issued"] >= before_s}
        self.ended = {user: at for user, at in self.ended.items() if at >= before_s}
        kept = {user: [at for at in tickets if at >= before_s] for user, tickets in self.ended_tickets.items()}
        self.ended_tickets = {user: tickets for user, tickets in kept.items() if tickets}


def parse(data: bytes) -> Sessions:
    """What cannot be read is nothing: a damaged file must lock nobody out."""
    try:
        content = json.loads(data) if data.strip() else {}
        of = {str(each): _entry(one) for each, one in content.get("sessions", {}).items()}
        ended = {str(user): int(at) for user, at in content.get("ended", {}).items()}
        tickets = {str(user): [int(at) for at in each] for user, each in content.get("tickets", {}).items()}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return Sessions()
    return Sessions(of, ended, tickets)


def render(sessions: Sessions) -> bytes:
    content = {"sessions": sessions.of, "ended": sessions.ended, "tickets": sessions.ended_tickets}
    return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()


def _entry(one: Entry) -> Entry:
    texts = {key: str(one[key]) for key in ("user", "address", "node")}
    return {**texts, **{key: int(one[key]) for key in ("started", "issued")}}
