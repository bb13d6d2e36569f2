"""The sheets of alerts: current ones, history, rules, targets and silences. Each act is one call of the API."""

from __future__ import annotations

import time
from typing import Any

from datacenter.api import inside
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Column, Field, Sheet, Values

SETTINGS, SETTING = "/cluster/alerts/settings", "/cluster/alerts/settings/{type}/{id}"
WHY = "This needs Sys.Modify on /."
HISTORY_SHOWN = 100
KINDS = (
    ("quorum-lost", "Quorum lost", ""), ("node-gone", "Node gone", ""), ("link-down", "Link down", ""),
    ("latency", "Latency above (ms)", "10"), ("store-read-only", "Store read-only", ""),
    ("disk", "Disk failing, or fuller than (%)", "95"), ("certificate", "Certificate ends within (days)", "14"),
    ("clock", "Clocks apart by more than (s)", "10"), ("task-failed", "Task failed", ""),
)  # fmt: skip
_ANY = (("", "Any"), *((name, words) for name, words, _ in KINDS))
_ID = Field("id", "Name", hint="Letters, digits, dots and dashes.")
_OFF = Field("disable", "Disabled: is told nothing", "check")
_LOCAL = Field("local", "On this host or its own link (root@pam only)", "check")
_COMMENT = Field("comment", "Comment", optional=True)


def _may(own: Own, _row: Values) -> bool:
    return own.holds("Sys.Modify", "/")


async def current(request: Any) -> list[dict[str, Any]]:
    rows = await inside.ask(request, "GET", "/cluster/alerts/current")
    words = {(0, 0): "not told yet", (0, 1): "silenced", (1, 0): "told", (1, 1): "told, now silenced"}
    return [{**row, "state": words[row["told"], row["silenced"]]} for row in rows]


async def history(request: Any) -> list[dict[str, Any]]:
    found = await inside.ask(request, "GET", "/cluster/events", {"kind": "alert", "limit": str(HISTORY_SHOWN)})
    return [{"id": row["id"], "time": int(row["time"]), "node": row["node"], "what": row["sentence"]}
            for row in found["events"]]  # fmt: skip


async def _of(request: Any, *kinds: str) -> list[dict[str, Any]]:
    return [row for row in await inside.ask(request, "GET", SETTINGS) if row["type"] in kinds]


async def rules(request: Any) -> list[dict[str, Any]]:
    kept = {row["id"]: row for row in await _of(request, "rule")}
    rows = []
    for name, words, usual in KINDS:
        given = kept.get(name, {})
        rows.append({"type": "rule", "id": name, "label": words, "threshold": given.get("threshold", usual),
                     "disable": int("disable" in given), "on": int("disable" not in given)})  # fmt: skip
    return rows


async def targets(request: Any) -> list[dict[str, Any]]:
    rows = await _of(request, "smtp", "webhook", "ntfy", "gotify")
    return [{**row, "on": int("disable" not in row), "disable": int("disable" in row), "local": int("local" in row),
             "mailfrom": row.get("from", ""), "mailto": row.get("to", ""), "secret": "",
             "where": row.get("url") or f"{row.get('server', '')} → {row.get('to', '')}"} for row in rows]  # fmt: skip


async def silences(request: Any) -> list[dict[str, Any]]:
    rows = await _of(request, "silence")
    return [{**row, "about": row.get("about", ""), "node": row.get("node", ""), "until": int(row["until"]),
             "state": "in force" if int(row["until"]) > time.time() else "over"} for row in rows]  # fmt: skip


def _fields(kind: str) -> tuple[Field, ...]:
    secret = Field("secret", {"smtp": "Password", "gotify": "Token"}.get(kind, "Bearer token"), "password",
                   "Left empty, it stays as it is.", optional=True, autocomplete="new-password")  # fmt: skip
    if kind == "smtp":
        modes = (("starttls", "STARTTLS"), ("tls", "TLS"), ("insecure", "Not encrypted"))
        own: tuple[Field, ...] = (
            Field("server", "Server"), Field("port", "Port", "number", optional=True),
            Field("mode", "Encryption", "choice", choices=modes, value="starttls"),
            Field("username", "User", optional=True), Field("mailfrom", "From"),
            Field("mailto", "To", hint="Several with commas between."),
        )  # fmt: skip
    else:
        hint = {"ntfy": "With the topic: https://ntfy.example/alerts", "gotify": "Without /message."}.get(kind, "")
        own = (Field("url", "Address", hint=hint),)
    if kind == "webhook":
        hint = "JSON, with {{ title }}, {{ text }}, {{ kind }}, {{ node }}, {{ cluster }}, {{ word }}."
        own = (*own, Field("template", "Template", hint=hint, optional=True))
    return (*own, secret, _COMMENT, _OFF, _LOCAL)


def _add(kind: str, words: str) -> Act:
    return Act(f"add-{kind}", f"Add {words}", f"Add {words}", "PUT", SETTING, (_ID, *_fields(kind)), icon="plus",
               fixed={"type": kind}, may=_may, why=WHY)  # fmt: skip


def _edit(kind: str) -> Act:
    return Act(f"edit-{kind}", "Edit", "Edit a target", "PUT", SETTING, _fields(kind), ("type", "id"), icon="edit",
               applies=lambda row: row["type"] == kind, may=_may, why=WHY)  # fmt: skip


_REMOVE = Act("remove", "Remove", "Remove", "DELETE", SETTING, (), ("type", "id"), icon="trash", dangerous=True,
              may=_may, why=WHY)  # fmt: skip
_TEST = Act(
    "test", "Test", "Send a test", "POST", SETTING, (), ("type", "id"),
    "A message is sent now; what the target answers is shown.",
    shows=lambda answer: "alerts/_tested.html", may=_may, why=WHY,
)  # fmt: skip
_RULE = Act("edit", "Edit", "Edit a rule", "PUT", SETTING,
            (Field("threshold", "Threshold", "number", "Only where the rule has one.", optional=True),
             Field("disable", "Disabled: nobody is told", "check")),
            ("type", "id"), icon="edit", may=_may, why=WHY)  # fmt: skip
_SILENCE = Act("add", "Add silence", "Add a silence", "PUT", SETTING,
               (_ID, Field("about", "Alert", "choice", choices=_ANY, optional=True),
                Field("node", "Node", hint="Left empty: any.", optional=True),
                Field("until", "Until", "moment", "A day and a time in UTC."), _COMMENT),
               icon="plus", fixed={"type": "silence"}, may=_may, why=WHY)  # fmt: skip

CURRENT = Sheet(
    "current", "Current", "warning",
    (Column("kind", "Alert", "name"), Column("sentence", "What is wrong"), Column("node", "Node"),
     Column("since", "Since", "moment"), Column("state", "Targets")),
    current, ("Nothing is wrong", "What goes wrong appears here, and the targets are told of it once."),
)  # fmt: skip
HISTORY = Sheet(
    "history", "History", "tasks",
    (Column("time", "When", "moment"), Column("what", "What", "name"), Column("node", "Told by")),
    history, ("Nobody has been told anything yet", "What was sent, and what could not be, appears here."),
)  # fmt: skip
RULES = Sheet(
    "rules", "Rules", "check",
    (Column("label", "Alert", "name"), Column("threshold", "Threshold"), Column("on", "Enabled", "flag")),
    rules, ("There are no rules", ""), of_row=(_RULE,),
)  # fmt: skip
TARGETS = Sheet(
    "targets", "Targets", "invite",
    (Column("id", "Target", "name"), Column("type", "Type"), Column("where", "Where"), Column("on", "Enabled", "flag"),
     Column("comment", "Comment")),
    targets, ("Nobody is told", "Add a target: a mail server, a webhook, ntfy or Gotify."),
    (_add("smtp", "mail"), _add("webhook", "webhook"), _add("ntfy", "ntfy"), _add("gotify", "Gotify")),
    (_TEST, *(_edit(kind) for kind in ("smtp", "webhook", "ntfy", "gotify")), _REMOVE),
)  # fmt: skip
SILENCES = Sheet(
    "silences", "Silences", "paused",
    (Column("id", "Silence", "name"), Column("about", "Alert"), Column("node", "Node"),
     Column("until", "Until", "moment"), Column("state", "State"), Column("comment", "Comment")),
    silences, ("There are no silences", "A silence keeps the targets from being told, until it ends."),
    (_SILENCE,), (_REMOVE,),
)  # fmt: skip
SHEETS = {sheet.name: sheet for sheet in (CURRENT, HISTORY, RULES, TARGETS, SILENCES)}
