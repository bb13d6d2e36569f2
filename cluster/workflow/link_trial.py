"""A change of links on trial: what lies in the store until it is confirmed, and what every node does at its end.

The record is written together with the first change, so every node has it on its own disk before its corosync reads the
new file. Confirming removes it, which needs a majority, and so arrives over the new links. When its time is over
without that, every node goes back by itself to the same file, `fallback`, also without quorum. Pure; who keeps the time
is `cluster/node/link_changes.py`.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from cluster.corosync import conf
from cluster.errors import Conflict, InvalidInput

PATH = "priv/link-trial.json"
CONFIRM_MIN_S, CONFIRM_MAX_S = 20, 600
BETWEEN_S = 4.0  # at most, for each file on the way back


class Trial(msgspec.Struct, frozen=True):
    """`lasts_s` is counted by each node from when it hears of it; `deadline_s` (unix) is for those that restart, and
    for people. `fallback` is the whole corosync.conf to go back to, `wanted` the one on trial when all is changed."""

    id: str
    user: str
    deadline_s: float
    lasts_s: int
    fallback: str
    wanted: str

    def from_now(self, now_s: float) -> Trial:
        """Its time begins with the first change, not while that is still looked at."""
        return replace(self, deadline_s=now_s + self.lasts_s)


def encode(trial: Trial) -> bytes:
    return msgspec.json.encode(trial)


def decode(data: bytes | None) -> Trial | None:
    """None where nothing is on trial, or the record cannot be read: then nobody can go back to anything."""
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=Trial)
    except msgspec.DecodeError:
        return None


def lasts_s(confirm_s: int, steps: int) -> int:
    """How long a change of so many steps may wait, so that all is back when `confirm_s` are over. Raises
    InvalidInput."""
    left_s = confirm_s - round(BETWEEN_S * steps)
    if not CONFIRM_MIN_S <= confirm_s <= CONFIRM_MAX_S or left_s < confirm_s / 3:
        least = max(CONFIRM_MIN_S, round(BETWEEN_S * steps * 1.5))
        sentence = f"The time until an unconfirmed change is back is from {least} to {CONFIRM_MAX_S} seconds here."
        raise InvalidInput(sentence, fields={"confirm-s": sentence})
    return left_s


def check_whole(trial: Trial, configuration: bytes) -> None:
    """Raises Conflict while steps of the change are still to come: a link that is taken out for its new addresses would
    stay out."""
    if conf.parse(configuration).config_version < conf.parse(trial.wanted).config_version:
        raise Conflict("The links are still being changed. Confirm the change once that is done.")


def check_none(trial: Trial | None) -> None:
    if trial is not None:
        raise Conflict("A change of the links is on trial already. Confirm it or let it go back first.")
