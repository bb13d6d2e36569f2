"""What members say to each other in a survey, through the status group (`board.py`). Who asks is `surveys.py`."""

from __future__ import annotations

import msgspec

from cluster.core.survey import NodeFacts, Way


class SurveyAsked(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Everybody say what you are; and where a `joiner` is named, measure the ways to it."""

    id: str
    names: tuple[str, ...]
    joiner: str = ""
    links: dict[int, str] = {}
    address: str = ""
    port: int = 0
    nonce: bytes = b""


class Surveyed(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """The sender's answer."""

    id: str
    facts: NodeFacts
    ways: tuple[Way, ...]
