"""/cluster/options: the options of the data center, kept in `datacenter.cfg`; and the next free id of a guest.

A change is read, checked and written against what was read: one that somebody else has changed meanwhile is refused by
the store. Comment lines are the description; what this product does not use is kept as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from cluster.control.node_requests import GuestIds
from cluster.control.requests import StoreRead, StoreWrite
from cluster.errors import InvalidInput, NotFound
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, OpenRow, Parameters
from datacenter.api.formats import KeyValues, read_key_values, write_key_values
from datacenter.api.option_keys import FOR_EVERYBODY, OPTIONS
from datacenter.api.parameters import HEADLINE
from datacenter.api.permission import AUDIT, SIGNED_IN, perm, permitted
from datacenter.api.types import GuestId, OptionText

FILE = "datacenter.cfg"
DEFAULT_MAC_PREFIX = "BC:24:11"
LOWEST, UPPER = 100, 1_000_000


class Changes(Parameters, kw_only=True):
    """Every option by its name; `delete` lists those that get their default back, `digest` guards against others."""

    description: OptionText | None = None
    delete: OptionText | None = None
    digest: OptionText | None = None


ChangeParameters: Any = msgspec.defstruct(
    "ChangeParameters",
    [(name.replace("-", "_"), OptionText | None, msgspec.field(default=None, name=name)) for name in sorted(OPTIONS)],
    bases=(Changes,),
    kw_only=True,
)


class Options(OpenRow, kw_only=True):
    """Whoever may not look at everything sees `console` and `tag-style` only. Structured options are objects."""

    allowed_tags: list[str] | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="allowed-tags")
    description: str | msgspec.UnsetType = msgspec.UNSET
    mac_prefix: str | msgspec.UnsetType = msgspec.UNSET


class NextIdParameters(Parameters, kw_only=True):
    vmid: GuestId | None = None


async def options(call: Call, _asked: NoParameters) -> dict[str, Any]:
    kept, _digest = await _read(call)
    shown = {name: OPTIONS[name].value_of(text) for name, text in kept.values.items() if name in OPTIONS}
    tags = shown.get("registered-tags", [])
    if not await permitted(call, AUDIT):
        return {name: value for name, value in shown.items() if name in FOR_EVERYBODY} | {"allowed-tags": tags}
    defaults = {"mac_prefix": DEFAULT_MAC_PREFIX, "description": kept.description}
    return {**defaults, **shown, "allowed-tags": tags}


async def change_options(call: Call, asked: Any) -> None:
    kept, digest = await _read(call)
    given = {name: value for name, value in msgspec.to_builtins(asked).items() if value is not None}
    if given.pop("digest", digest) != digest:
        raise InvalidInput(HEADLINE, fields={"digest": "the options were changed by somebody else; read them again"})
    removed = [name for name in given.pop("delete", "").replace(";", ",").replace(" ", ",").split(",") if name]
    described = given.pop("description", None)
    _check(given, removed)
    values = {name: value for name, value in kept.values.items() if name not in removed} | given
    description = "" if "description" in removed else kept.description if described is None else described
    text = write_key_values(replace(kept, values=values, description=description))
    await gateway.call(StoreWrite(FILE, text.encode(), digest=digest, check=True, user=call.user, door="api"))


async def next_id(call: Call, asked: NextIdParameters) -> int:
    taken = set(await gateway.call(GuestIds()))
    if asked.vmid is not None:
        if asked.vmid in taken:
            raise InvalidInput(HEADLINE, fields={"vmid": "a guest has this id already"})
        return asked.vmid
    kept, _digest = await _read(call)
    bounds = OPTIONS["next-id"].value_of(kept.values.get("next-id", ""))
    bounds = bounds if isinstance(bounds, dict) else {}
    lower, upper = bounds.get("lower", LOWEST), bounds.get("upper", UPPER)
    free = next((number for number in range(lower, upper) if number not in taken), None)
    if free is None:
        raise NotFound(f"every id from {lower} to {upper - 1} is taken")
    return free


def _check(given: dict[str, str], removed: list[str]) -> None:
    """Raises InvalidInput with every field that is wrong."""
    faults = {name: f"must be {OPTIONS[name].hint}" for name, text in given.items() if not OPTIONS[name].accepts(text)}
    if any(name not in OPTIONS and name != "description" for name in removed):
        faults["delete"] = "names an option that does not exist"
    elif both := given.keys() & set(removed):
        faults["delete"] = f"names {sorted(both)[0]}, which is given a value as well"
    bounds = OPTIONS["next-id"].value_of(given.get("next-id", ""))
    if isinstance(bounds, dict) and bounds.get("lower", LOWEST) > bounds.get("upper", UPPER):
        faults["next-id"] = "must have a lower end that is below the upper one"
    if faults:
        raise InvalidInput(HEADLINE, fields=faults)


async def _read(call: Call) -> tuple[KeyValues, str]:
    """The options and the file's digest; empty when it is not there yet."""
    try:
        read = await gateway.call(StoreRead(FILE, user=call.user))
    except NotFound:
        return KeyValues({}, ""), ""
    return read_key_values(read["data"].decode("utf-8", "replace")), read["digest"]


ENDPOINTS = (
    Endpoint("GET", "/cluster/options", "The data center's options.", options, SIGNED_IN, returns=Options),
    Endpoint(
        "PUT", "/cluster/options", "Change options; the others stay.", change_options, perm("/", "Sys.Modify"),
        ChangeParameters,
    ),
    Endpoint("GET", "/cluster/nextid", "The next free id of a guest.", next_id, SIGNED_IN, NextIdParameters, int),
)  # fmt: skip
