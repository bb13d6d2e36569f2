"""A text that nobody may read by accident: a password, a ticket, a token, a code, a key.

It prints as `***` whoever prints it, and refuses to be pickled or written as JSON; what it hides comes out of
`reveal()` alone, which is called where it is used and nowhere else. It knows nothing of what the text is for.
"""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

MASK = "***"


class Secret:
    """`bool` says whether there is any text; comparing takes the same time whatever differs."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (each._text.encode("utf-8", "surrogatepass") for each in (self, other))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: Any) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled")


def given(secret: Secret | None) -> str:
    """What it hides, where one was given at all; else nothing."""
    return secret.reveal() if secret is not None else ""


def revealed(value: object) -> str:
    """For encoders that are to write secrets out, on a way that is theirs: the hook for what they do not know.
    Raises TypeError for anything else."""
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} is not written out")


def hidden(kind: type, value: object) -> Secret:
    """The hook of decoders: a text where a secret is wanted. Raises ValueError."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError("Expected a text")
