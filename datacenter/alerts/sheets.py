"""The sheets of alerts: current ones, history, rules, targets and silences. Each act is one call of the API."""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext_noop as _

from datacenter.api import inside
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Column, Field, Sheet, Values

SETTINGS, SETTING = "/cluster/alerts/settings", "/cluster/alerts/settings/{type}/{id}"
WHY = _("This needs Sys.Modify on /.")
HISTORY_SHOWN = 100
KINDS = (
    ("quorum-lost", _("Quorum lost"), ""), ("node-gone", _("Node gone"), ""), ("link-down", _("Link down"), ""),
    ("latency", _("Latency above (ms)"), "10"), ("store-read-only", _("Store read-only"), ""),
    ("disk", _("Disk failing, or fuller than (%)"), "95"), ("certificate", _("Certificate ends within (days)"), "14"),
    ("clock", _("Clocks apart by more than (s)"), "10"), ("task-failed", _("Task failed"), ""),
    ("witness-gone", _("Witness gone"), ""),
)  # fmt: skip
_ANY = (("", _("Any")), *((name, words) for name, words, _threshold in KINDS))
_ID = Field("id", _("Name"), hint=_("Letters, digits, dots and dashes."))
_OFF = Field("disable", _("Disabled: is told nothing"), "check")
_LOCAL = Field("local", _("On this host or its own link (root@pam only)"), "check")
_COMMENT = Field("comment", _("Comment"), optional=True)


def _may(own: Own, _row: Values) -> bool:
    return own.holds("Sys.Modify", "/")


async def current(request: Any) -> list[dict[str, Any]]:
    rows = await inside.ask(request, "GET", "/cluster/alerts/current")
    words = {(0, 0): _("not told yet"), (0, 1): _("silenced"), (1, 0): _("told"), (1, 1): _("told, now silenced")}
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
             "state": _("in force") if int(row["until"]) > time.time() else _("over")} for row in rows]  # fmt: skip


def _fields(kind: str) -> tuple[Field, ...]:
    secret = Field("secret", {"smtp": _("Password"), "gotify": _("Token")}.get(kind, _("Bearer token")), "password",
                   _("Left empty, it stays as it is."), optional=True, autocomplete="new-password")  # fmt: skip
    if kind == "smtp":
        modes = (("starttls", "STARTTLS"), ("tls", "TLS"), ("insecure", _("Not encrypted")))
        own: tuple[Field, ...] = (
            Field("server", _("Server")), Field("port", _("Port"), "number", optional=True),
            Field("mode", _("Encryption"), "choice", choices=modes, value="starttls"),
            Field("username", _("User"), optional=True), Field("mailfrom", _("From")),
            Field("mailto", _("To"), hint=_("Several with commas between.")),
        )  # fmt: skip
    else:
        hint = {"ntfy": _("With the topic: https://ntfy.example/alerts"), "gotify": _("Without /message.")}.get(
            kind, ""
        )
        own = (Field("url", _("Address"), hint=hint),)
    if kind == "webhook":
        hint = _("JSON, with {{ title }}, {{ text }}, {{ kind }}, {{ node }}, {{ cluster }}, {{ word }}.")
        own = (*own, Field("template", _("Template"), hint=hint, optional=True))
    return (*own, secret, _COMMENT, _OFF, _LOCAL)


def _add(kind: str, words: str) -> Act:
    return Act(f"add-{kind}", words, words, "PUT", SETTING, (_ID, *_fields(kind)), icon="plus",
               fixed={"type": kind}, may=_may, why=WHY)  # fmt: skip


def _edit(kind: str) -> Act:
    return Act(f"edit-{kind}", _("Edit"), _("Edit a target"), "PUT", SETTING, _fields(kind), ("type", "id"),
    icon="edit",
               applies=lambda row: row["type"] == kind, may=_may, why=WHY)  # fmt: skip


_REMOVE = Act("remove", _("Remove"), _("Remove"), "DELETE", SETTING, (), ("type", "id"), icon="trash", dangerous=True,
              may=_may, why=WHY)  # fmt: skip
_TEST = Act(
    "test", _("Test"), _("Send a test"), "POST", SETTING, (), ("type", "id"),
    _("A message is sent now; what the target answers is shown."),
    shows=lambda answer: "alerts/_tested.html", may=_may, why=WHY,
)  # fmt: skip
_RULE = Act("edit", _("Edit"), _("Edit a rule"), "PUT", SETTING,
            (Field("threshold", _("Threshold"), "number", _("Only where the rule has one."), optional=True),
             Field("disable", _("Disabled: nobody is told"), "check")),
            ("type", "id"), icon="edit", may=_may, why=WHY)  # fmt: skip
_SILENCE = Act("add", _("Add silence"), _("Add a silence"), "PUT", SETTING,
               (_ID, Field("about", _("Alert"), "choice", choices=_ANY, optional=True),
                Field("node", _("Node"), hint=_("Left empty: any."), optional=True),
                Field("until", _("Until"), "moment", _("A day and a time in UTC.")), _COMMENT),
               icon="plus", fixed={"type": "silence"}, may=_may, why=WHY)  # fmt: skip

CURRENT = Sheet(
    "current", _("Current"), "warning",
    (Column("kind", _("Alert"), "name"), Column("sentence", _("What is wrong"), "said"), Column("node", _("Node")),
     Column("since", _("Since"), "moment"), Column("state", _("Targets"), "words")),
    current, (_("Nothing is wrong"), _("What goes wrong appears here, and the targets are told of it once.")),
)  # fmt: skip
HISTORY = Sheet(
    "history", _("History"), "tasks",
    (Column("time", _("When"), "moment"), Column("what", _("What"), "said"), Column("node", _("Told by"))),
    history, (_("Nobody has been told anything yet"), _("What was sent, and what could not be, appears here.")),
)  # fmt: skip
RULES = Sheet(
    "rules", _("Rules"), "check",
    (Column("label", _("Alert"), "words"), Column("threshold", _("Threshold")), Column("on", _("Enabled"), "flag")),
    rules, (_("There are no rules"), ""), of_row=(_RULE,),
)  # fmt: skip
TARGETS = Sheet(
    "targets", _("Targets"), "invite",
    (Column("id", _("Target"), "name"), Column("type", _("Type")), Column("where", _("Where")), Column("on",
    _("Enabled"), "flag"),
     Column("comment", _("Comment"))),
    targets, (_("Nobody is told"), _("Add a target: a mail server, a webhook, ntfy or Gotify.")),
    (_add("smtp", _("Add mail")), _add("webhook", _("Add webhook")), _add("ntfy", _("Add ntfy")),
     _add("gotify", _("Add Gotify"))),
    (_TEST, *(_edit(kind) for kind in ("smtp", "webhook", "ntfy", "gotify")), _REMOVE),
)  # fmt: skip
SILENCES = Sheet(
    "silences", _("Silences"), "paused",
    (Column("id", _("Silence"), "name"), Column("about", _("Alert")), Column("node", _("Node")),
     Column("until", _("Until"), "moment"), Column("state", _("State"), "words"), Column("comment", _("Comment"))),
    silences, (_("There are no silences"), _("A silence keeps the targets from being told, until it ends.")),
    (_SILENCE,), (_REMOVE,),
)  # fmt: skip
SHEETS = {sheet.name: sheet for sheet in (CURRENT, HISTORY, RULES, TARGETS, SILENCES)}
