"""The types of parameters: what each accepts, and the words in which it refuses.

Every name is matched in full, every address is parsed, every text has a length. What makes sense together is for the
daemon to say. `description` completes the sentence "must be …" and is the API's documentation as well.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from msgspec import Meta

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
HOST_LENGTH_MAX = 253
PRIORITY_MAX = 255


def is_address(text: str) -> bool:
    """A literal IP address, without a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_host(text: str) -> bool:
    """A literal address or a host name."""
    if is_address(text):
        return True
    # What looks like an address and is none (10.0.0.256, 10.0.1) is no name either.
    is_name = len(text) <= HOST_LENGTH_MAX and HOST_NAME.fullmatch(text) is not None
    return is_name and not text.rpartition(".")[2].isdecimal()


def is_priority(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= PRIORITY_MAX


def is_link(text: str) -> bool:
    """`[address=]ADDRESS[,priority=N]`, in any order."""
    seen: set[str] = set()
    for position, part in enumerate(text.split(",")):
        key, is_pair, value = part.partition("=")
        if not is_pair and position == 0:
            key, value = "address", part
        check = {"address": is_host, "priority": is_priority}.get(key)
        if check is None or key in seen or not check(value):
            return False
        seen.add(key)
    return "address" in seen


def plain_link(text: str) -> str:
    """A link as the daemon takes it: `ADDRESS[,priority=N]`."""
    parts = {key: value for key, _, value in (part.rpartition("=") for part in text.split(","))}
    address = parts.get("address") or parts[""]
    return f"{address},priority={int(parts['priority'])}" if "priority" in parts else address


def _text(description: str, length_max: int, pattern: str | None = None, check: Any = None, minimum: int = 1) -> Meta:
    return Meta(
        description=description,
        min_length=minimum,
        max_length=length_max,
        pattern=None if pattern is None else rf"\A(?:{pattern})\Z",
        extra=None if check is None else {"check": check},
    )


Flag = Literal[0, 1]  # a truth in an answer, as clients expect it

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"

NodeName = Annotated[str, _text("a node's name: letters, digits and dashes, at most 63", 63, _NAME)]
ClusterName = Annotated[str, _text("a cluster's name: letters, digits and dashes, at most 15", 15, _NAME)]
Address = Annotated[str, _text("an IP address", 45, check=is_address)]
Host = Annotated[str, _text("an IP address or a host name", 253, check=is_host)]
LinkText = Annotated[str, _text("an address, or an address and a priority: 10.0.0.1,priority=20", 300, check=is_link)]
LinkWish = Annotated[str, _text("addresses by node: alpha=10.0.0.1,beta=10.0.0.2,priority=20, or remove", 8192)]
Fingerprint = Annotated[
    str,
    _text("a SHA-256 fingerprint: 32 pairs of hex digits with colons", 95, r"[A-Fa-f0-9]{2}(?::[A-Fa-f0-9]{2}){31}"),
]
Password = Annotated[str, _text("a password of at most 128 characters", 128, minimum=0)]
TicketOrPassword = Annotated[str, _text("a password or a ticket", 4096, minimum=0)]
UserName = Annotated[str, _text("a user's name, at most 64 characters", 64)]
Realm = Annotated[str, _text("a realm's name", 32, r"[A-Za-z][A-Za-z0-9.\-_]+")]
_USER_ID = r"[^\s:/!@,]+@[A-Za-z][A-Za-z0-9.\-_]+"
UserId = Annotated[str, _text("a user: name@realm, at most 64 characters", 64, _USER_ID, minimum=3)]
_TOKEN_NAME = r"[A-Za-z][A-Za-z0-9.\-_]+"
TokenName = Annotated[str, _text("a token's name: letters, digits, . - _", 64, _TOKEN_NAME)]
AuthId = Annotated[
    str, _text("a user or one of its tokens: name@realm or name@realm!token", 130, rf"{_USER_ID}(?:!{_TOKEN_NAME})?")
]
AuthIdList = Annotated[str, _text("users or tokens, with commas between them", 4096, minimum=0)]
GroupName = Annotated[str, _text("a group's name: letters, digits, . - _", 64, r"[A-Za-z0-9.\-_]+")]
RoleName = Annotated[str, _text("a role's name: letters, digits, . - _", 64, r"[A-Za-z0-9.\-_]+")]
NameList = Annotated[str, _text("names, with commas between them", 4096, r"[A-Za-z0-9.\-_,; ]*", minimum=0)]
ObjectPath = Annotated[str, _text("a path that rights are given on, like /nodes/alpha", 256, r"/[A-Za-z0-9.\-_/]*")]
NewPassword = Annotated[str, _text("a password of 8 to 64 characters", 64, minimum=8)]
Text = Annotated[str, _text("a text of at most 2048 characters", 2048, minimum=0)]
LongText = Annotated[str, _text("a text of at most 8192 characters", 8192, minimum=0)]
FactorId = Annotated[str, _text("an id: letters, digits, - _", 64, r"[A-Za-z0-9_\-]+")]
WordList = Annotated[str, _text("names of settings, with commas between them", 1024, r"[A-Za-z0-9_\-,; ]*", minimum=0)]
Digest = Annotated[str, _text("a digest of at most 64 characters", 64, r"[0-9a-fA-F]+")]
Upid = Annotated[
    str,
    _text(
        "a task's id (UPID:…)",
        256,
        r"UPID:[a-zA-Z0-9-]+:[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:[0-9A-Fa-f]{8}:[^:\s/]+:[^:\s/]*:[^:\s/]+:",
    ),
]
Token = Annotated[str, _text("the token that adding the node returned", 256, r"[A-Za-z0-9_\-.:=+/]+")]
Words = Annotated[str, _text("a comma-separated list of words", 200, r"[a-z,; ]+")]
Filter = Annotated[str, _text("a text of at most 64 characters", 64)]

StorePath = Annotated[str, _text("a path in the configuration", 4096, minimum=0)]
Revision = Annotated[str, _text("a revision, for instance 4194304.17", 40, r"[0-9]+(?:\.[0-9]+)?")]
FileDigest = Annotated[str, _text("a SHA-1 in hex digits, or nothing", 40, r"(?:[0-9a-f]{40})?", minimum=0)]
Supposed = Annotated[
    str, _text("names or numbers with commas, and / between groups", 4096, r"[A-Za-z0-9.\-:,/ ]*", minimum=0)
]
RequestId = Annotated[str, _text("a name of 8 to 64 letters, digits, dashes", 64, r"[A-Za-z0-9._:-]{8,64}", minimum=8)]
ConflictId = Annotated[str, _text("a conflict's id: 16 hex digits", 16, r"[0-9a-f]{16}")]
Content = Annotated[str, _text("a text, or base64 of a file of at most 1 MiB", 1_400_000, minimum=0)]

NodeId = Annotated[int, Meta(ge=1, le=2**31 - 1, description="a whole number from 1 on")]
Votes = Annotated[int, Meta(ge=0, le=255, description="a whole number from 0 to 255")]
VotesAtLeastOne = Annotated[int, Meta(ge=1, le=255, description="a whole number from 1 to 255")]
Coefficient = Annotated[int, Meta(ge=0, le=60000, description="a number of milliseconds from 0 to 60000")]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1, description="a whole number from 0 on")]
Time = Annotated[int, Meta(ge=0, le=2**40, description="a time in seconds since 1970")]
GuestId = Annotated[int, Meta(ge=100, le=999_999_999, description="a guest's id, from 100 on")]
OptionText = Annotated[str, _text("a text of at most 64 KiB", 64 << 10, minimum=0)]
StorageId = Annotated[str, _text("a storage's name", 100, r"[A-Za-z][A-Za-z0-9.\-_]*[A-Za-z0-9]")]
PoolId = Annotated[str, _text("a pool's name", 200, r"[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}")]
Moment = Annotated[
    str,
    _text(
        "a date, with or without a time of that host's clock: 2026-01-31, 2026-01-31 23:59:59",
        19,
        r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?",
    ),
]
ServiceName = Annotated[str, _text("a service's name", 64, r"[a-z0-9@.\-_]+")]
InterfaceName = Annotated[str, _text("an interface's name", 20, r"[A-Za-z0-9.\-_:@]+")]
