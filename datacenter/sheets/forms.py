"""What a sheet's dialog sent, as parameters of the API; and an error, as sentences beside fields. Pure."""

from __future__ import annotations

import calendar
import hashlib
import time
from typing import Any

import msgspec
from django.http import QueryDict
from django.utils.translation import gettext

from cluster.errors import InvalidInput
from datacenter.sheets.sheet import Act, Field, Values

VALUE_CHARS_MAX = 65536
MOMENT = "%Y-%m-%dT%H:%M"


def read(act: Act, form: QueryDict) -> dict[str, Any]:
    """Raises InvalidInput naming the field, for what has no way of writing it in the API."""
    given: dict[str, Any] = dict(act.fixed or {})
    given.update({key: form.get(key, "")[:VALUE_CHARS_MAX] for key in act.keys})
    for field in act.fields:
        value = _value(field, form)
        if value != "" or not field.optional:
            given[field.name] = value
    if act.confirms and form.get(act.confirms):
        given[act.confirms] = form[act.confirms]
    return act.given(given) if act.given else given


def _value(field: Field, form: QueryDict) -> str:
    text = form.get(field.name, "")[:VALUE_CHARS_MAX]
    if field.kind == "check":
        return "1" if text else "0"
    if field.kind == "several":
        return ",".join(form.getlist(field.name))
    if field.kind == "moment":
        return _seconds(field, text)
    return text if field.kind in ("password", "area", "hidden") else text.strip()


def _seconds(field: Field, text: str) -> str:
    """What the browser's own field for a day and a time sends, in UTC; nothing is never."""
    try:
        return str(calendar.timegm(time.strptime(text, MOMENT))) if text else "0"
    except (ValueError, OverflowError):
        raise InvalidInput("no time", fields={field.name: gettext("must be a day and a time")}) from None


def filled(field: Field, values: Values) -> Any:
    """The field's value to begin with."""
    value = values.get(field.name, field.value)
    if field.kind == "moment":
        return time.strftime(MOMENT, time.gmtime(int(value))) if value else ""
    if field.kind == "several":
        return [each for each in value.split(",") if each] if isinstance(value, str) else list(value)
    return value


def mark_of(rows: Any) -> str:
    """Tells one state of what a page shows from another."""
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()[:16]
