"""The sheet of the data center's options, made from the API's own list of keys: a field for each, or for each part."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from datacenter.api import inside
from datacenter.api.option_keys import FLAG, OPTIONS, OneOf, Option
from datacenter.api.permission import perm
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Choices, Column, Field, Sheet, Values

WHY = _("This needs Sys.Modify on /.")
MODIFY = perm("/", "Sys.Modify")
LABELS = {
    "keyboard": _("Keyboard layout"), "language": _("Language"), "http_proxy": _("HTTP proxy"),
    "console": _("Console viewer"),
    "email_from": _("E-mail from"), "consent-text": _("Text before signing in"), "max_workers": _("Workers at once"),
    "fencing": _("Fencing"), "mac_prefix": _("MAC address prefix"), "migration": _("Migration"),
    "replication": _("Replication"),
    "ha": _("High availability"), "crs": _("Resource scheduling"), "next-id": _("Next free guest id"),
    "bwlimit": _("Bandwidth limits"),
    "u2f": "U2F", "webauthn": "WebAuthn", "tag-style": _("How tags look"),
    "user-tag-access": _("Who may set which tags"),
    "registered-tags": _("Registered tags"), "location": _("Location"), "notify": _("Notifications"),
    "migration_unsecure": _("Unencrypted migration (old)"), "description": _("Description"),
}  # fmt: skip
_PART, _EVERY = "/", (*OPTIONS, "description")


async def options(request: Any) -> list[dict[str, Any]]:
    kept = await inside.ask(request, "GET", "/cluster/options")
    return [_row(name, kept.get(name)) for name in _EVERY]


def _row(name: str, value: Any) -> dict[str, Any]:
    """With what the fields of its dialog begin with; one key of the row is the option's own name."""
    row = {"name": name, "label": LABELS[name], "value": _words(value)}
    if isinstance(value, dict):
        return {**row, **{f"{name}{_PART}{part}": _plain(each) for part, each in value.items()}}
    return {**row, name: _plain(value)}


def _plain(value: Any) -> str:
    return ";".join(value) if isinstance(value, list) else "" if value is None else str(value)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{part}: {_plain(each)}" for part, each in value.items())
    return _plain(value)


def _choices(check: Any) -> Choices:
    words = ("0", "1") if check is FLAG else check.words
    return (("", _("Default")), *((word, {"0": _("No"), "1": _("Yes")}.get(word, word)) for word in words))


def _field(name: str, label: str, check: Any, hint: str = "") -> Field:
    if isinstance(check, OneOf):
        return Field(name, label, "choice", hint, choices=_choices(check))
    return Field(name, label, "area" if name in ("description", "consent-text") else "text", hint)


def _fields(name: str, option: Option) -> tuple[Field, ...]:
    if option.parts is None:
        return (_field(name, LABELS[name], option.check, option.hint),)
    return tuple(_field(f"{name}{_PART}{part}", part, check) for part, check in option.parts.items())


def _given(name: str, option: Option) -> Any:
    """The parts are one text in the API; nothing at all is the default."""

    def given(values: dict[str, Any]) -> dict[str, Any]:
        if option.parts is None:
            text = values.get(name, "")
        else:
            parts = ((part, values.get(f"{name}{_PART}{part}", "")) for part in option.parts)
            text = ",".join(f"{part}={value}" for part, value in parts if value)
        return {name: text} if text else {"delete": name}

    return given


def _may(own: Own, _row: Values) -> bool:
    return own.holds("Sys.Modify", "/")


def _edit(name: str, option: Option) -> Act:
    return Act(
        f"edit-{name}", _("Edit"), LABELS[name], "PUT", "/cluster/options", _fields(name, option), ("name",),
        given=_given(name, option), applies=lambda row: row["name"] == name, may=_may, why=WHY,
    )  # fmt: skip


SHEET = Sheet(
    "options", _("Options"), "edit",
    (Column("label", _("Option"), "words"), Column("value", _("Value")), Column("name", _("Key"), "name")),
    options,
    (_("There are no options"), ""),
    (),
    tuple(_edit(name, option) for name, option in {**OPTIONS, "description": Option(_("a text"))}.items()),
    lead=_("What is empty has its default. Everything is kept in datacenter.cfg, for all nodes."),
)  # fmt: skip
