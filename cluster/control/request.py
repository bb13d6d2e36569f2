"""What every request on the control socket is made of; the requests themselves are `requests.py`."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from cluster.secret import Secret

# Never shown: not in a repr, so not in a log, a traceback or a failing test either.
SECRET_FIELDS = frozenset(
    {
        "password",
        "confirmation_password",
        "ticket",
        "token",
        "undo_token",
        "proof",
        "data",
        "body",
        "credentials",
        "totp",
        "value",
        "challenge",
    }
)


class Request(msgspec.Struct, forbid_unknown_fields=True, tag_field="method"):
    """Base of all requests; the tag is the method's name on the wire. A text given for a secret becomes a `Secret`."""

    def __post_init__(self) -> None:
        for name in _secrets(type(self)):
            value = getattr(self, name)
            if isinstance(value, str):
                setattr(self, name, Secret(value))

    def __repr__(self) -> str:
        shown = (
            f"{name}=***" if name in SECRET_FIELDS else f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
        )
        return f"{type(self).__name__}({', '.join(shown)})"


@cache
def _secrets(kind: type[Request]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name in SECRET_FIELDS)


def as_plain(value: Any) -> Any:
    """Dataclasses, tuples and bytes-free containers as plain dict/list, the form results and changes travel in."""
    return msgspec.to_builtins(value, str_keys=True, builtin_types=(bytes,))
