"""The options of the data center, key by key: what each may be, and how it is read. Pure.

A plain option is a text that fits a pattern. A structured one is a property string, `type=secure,network=10.0.0.0/24`,
which clients read as an object. The file they are kept in, and who may change it, is `options.py`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from datacenter.api.formats import read_property_string

Check = Callable[[str], bool]
TEXT_CHARACTERS_MAX = 64 << 10
_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_.+-]{0,123}"
_LANGUAGES = (
    "ar bg ca cs da de en es eu fa fr gl he hr hu it ja ka ko nb nl nn pl pt_BR ro ru sl sv tr ukr uz zh_CN zh_TW"
)
_KEYBOARDS = "de de-ch da en-gb en-us es fi fr fr-be fr-ca fr-ch hu is it ja lt mk nl no pl pt pt-br sv sl tr"


def _fits(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text) is not None


class OneOf:
    """One of a few words; pages offer them."""

    def __init__(self, words: str) -> None:
        self.words = tuple(words.split())

    def __call__(self, text: str) -> bool:
        return text in self.words


def _network(text: str) -> bool:
    try:
        return "/" in text and bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def _between(low: float, high: float) -> Check:
    return lambda text: re.fullmatch(r"-?[0-9]{1,10}(\.[0-9]{1,9})?", text) is not None and low <= float(text) <= high


def _text(text: str) -> bool:
    return "\n" not in text and "\r" not in text and "\0" not in text


FLAG, NUMBER = OneOf("0 1"), _fits(r"[0-9]{1,10}")
URL = _fits(r"https?://[^\s,]{1,500}")
RATE = _fits(r"[0-9]{1,12}(\.[0-9]{1,3})?")
TAGS = _fits(rf"{_TAG}(;{_TAG})*")
COLORS = _fits(rf"{_TAG}:[0-9a-fA-F]{{6}}(:[0-9a-fA-F]{{6}})?(;{_TAG}:[0-9a-fA-F]{{6}}(:[0-9a-fA-F]{{6}})?)*")
TRANSPORT: dict[str, Check] = {"type": OneOf("secure insecure"), "network": _network}


@dataclass(frozen=True, slots=True)
class Option:
    """`parts` are the keys of a structured option, `default_key` the one whose name may be left out; `lists` are those
    whose value is a list of tags. `hint` completes "must be …"."""

    hint: str
    check: Check = _text
    parts: dict[str, Check] | None = None
    default_key: str = ""
    lists: tuple[str, ...] = ()

    def accepts(self, text: str) -> bool:
        if len(text) > TEXT_CHARACTERS_MAX:
            return False
        if self.parts is None:
            return self.check(text)
        try:
            given = read_property_string(text, self.default_key)
        except ValueError:
            return False
        return all(key in self.parts and self.parts[key](value) for key, value in given.items())

    def value_of(self, text: str) -> Any:
        """As clients read it. What does not fit is a text."""
        if self.parts is None or not self.accepts(text):
            return text.split(";") if self.lists and self.accepts(text) else text
        found: dict[str, Any] = dict(read_property_string(text, self.default_key))
        for key in found:
            if key in self.lists:
                found[key] = found[key].split(";")
            elif self.parts[key] in (FLAG, NUMBER):
                found[key] = int(found[key])
        return found


OPTIONS = {
    "keyboard": Option(_("a keyboard's layout"), OneOf(_KEYBOARDS)),
    "language": Option(_("a language of the pages"), OneOf(_LANGUAGES)),
    "http_proxy": Option(_("an address like http://proxy:3128"), URL),
    "console": Option(_("applet, vv, html5 or xtermjs"), OneOf("applet vv html5 xtermjs")),
    "email_from": Option(_("an e-mail address"), _fits(r"[^\s@,]{1,64}@[^\s@,]{1,190}")),
    "consent-text": Option(_("a text of at most 64 KiB")),
    "max_workers": Option(_("a whole number from 1 on"), _fits(r"[1-9][0-9]{0,5}")),
    "fencing": Option(_("watchdog, hardware or both"), OneOf("watchdog hardware both")),
    "mac_prefix": Option(
        _("the beginning of unicast MAC addresses"), _fits(r"(?i)[0-9a-f][02468ace](:[0-9a-f]{2}){0,4}:?")
    ),
    "migration": Option(_("secure or insecure, and a network"), parts=TRANSPORT, default_key="type"),
    "replication": Option(_("secure or insecure, and a network"), parts=TRANSPORT, default_key="type"),
    "ha": Option(_("a policy"), parts={"shutdown_policy": OneOf("freeze failover conditional migrate")}),
    "crs": Option(
        _("how load is spread"),
        parts={
            "ha": OneOf("basic static dynamic"),
            "ha-rebalance-on-start": FLAG,
            "ha-auto-rebalance": FLAG,
            "ha-auto-rebalance-threshold": NUMBER,
            "ha-auto-rebalance-method": OneOf("bruteforce topsis"),
            "ha-auto-rebalance-hold-duration": NUMBER,
            "ha-auto-rebalance-margin": NUMBER,
        },
    ),
    "next-id": Option(_("the first id and the one after the last"), parts={"lower": NUMBER, "upper": NUMBER}),
    "bwlimit": Option(
        _("limits in KiB/s"), parts=dict.fromkeys(("default", "restore", "migration", "clone", "move"), RATE)
    ),
    "u2f": Option(_("an application's id and origin"), parts={"appid": _text, "origin": URL}),
    "webauthn": Option(_("a relying party"), parts={"rp": _text, "origin": URL, "id": _text, "allow-subdomains": FLAG}),
    "tag-style": Option(
        _("how tags look"),
        parts={
            "shape": OneOf("full circle dense none"),
            "color-map": COLORS,
            "ordering": OneOf("config alphabetical"),
            "case-sensitive": FLAG,
        },
    ),
    "user-tag-access": Option(
        _("which tags users may set"),
        parts={"user-allow": OneOf("none list existing free"), "user-allow-list": TAGS},
        lists=("user-allow-list",),
    ),
    "registered-tags": Option(_("tags with ; between"), TAGS, lists=("",)),
    "location": Option(
        _("a place"), parts={"name": _text, "latitude": _between(-90, 90), "longitude": _between(-180, 180)}
    ),
    "notify": Option(_("a text")),
    "migration_unsecure": Option(_("0 or 1"), FLAG),
}
FOR_EVERYBODY = ("console", "tag-style")
