"""The site's template filters: times, sizes, shares and states as people read them.

What draws something is in `widgets.py`; what a state means is said by the pure modules this only gives names to.
"""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.translation import gettext, gettext_noop, pgettext

from cluster.core.health import Health
from cluster.model import ClusterState, NodeState, Quorum, RingId, TaskState
from datacenter.ahead.typed import Typed
from datacenter.language.sentences import said as say
from datacenter.membership import link_cells, words
from datacenter.nodes import readings
from datacenter.tasks import state as task_state

register = template.Library()
register.filter("description", task_state.description)
register.filter("task_level", task_state.level)
register.filter("task_word", task_state.word)
register.filter("milliseconds", link_cells.milliseconds)
register.filter("severities", words.severities)
register.filter("worst_first", words.worst_first)
register.filter("severity_level", words.severity_level)

LEVEL_WORDS = {
    "good": gettext_noop("good"), "warning": gettext_noop("warning"), "bad": gettext_noop("problem"),
    "unknown": gettext_noop("unknown"), "running": gettext_noop("running"), "plain": gettext_noop("note"),
}  # fmt: skip
# The ways in which a change comes into the store.
DOORS = {
    "api": gettext_noop("API"), "mount": "/etc/pve", "node": gettext_noop("the node itself"),
    "page": gettext_noop("a page"), "workflow": gettext_noop("a task"),
}  # fmt: skip
SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@register.filter
def mark(upid: str) -> str:
    """A short name for a task that may stand in an id."""
    return hashlib.sha1(upid.encode(), usedforsecurity=False).hexdigest()[:12]


@register.filter
def moment(seconds: float | None) -> str:
    """A time in UTC as machines read it, for <time datetime>."""
    return datetime.fromtimestamp(seconds or 0, UTC).isoformat(timespec="seconds")


@register.filter
def clock(seconds: float | None) -> str:
    """A time in UTC as people read it; `times.js` puts it into the reader's zone."""
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else "–"


@register.filter
def lasted(seconds: float | None) -> str:
    """How long something has lasted: `12 s`, `5 min`, `3 h 10 min`, `12 d 4 h`."""
    if seconds is None:
        return "–"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


@register.filter
def since(seconds: float | None) -> str:
    """How long ago a moment was."""
    return lasted(time.time() - seconds) if seconds else "–"


@register.filter
def left(seconds: float | None) -> str:
    """How long it is until a moment; `times.js` counts on."""
    return lasted(seconds - time.time()) if seconds else "–"


@register.filter
def size(count: float | None) -> str:
    """A number of bytes: `15.6 GiB`."""
    if count is None:
        return "–"
    power = 0
    while abs(count) >= 1024 and power < len(SIZES) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.0f} {SIZES[power]}" if power == 0 or count >= 100 else f"{_figure(count)} {SIZES[power]}"


@register.filter
def share(fraction: float | None) -> str:
    """A fraction as a percentage: `4.2 %`."""
    if fraction is None:
        return "–"
    return f"{_figure(fraction * 100)} %" if fraction < 0.995 else f"{fraction * 100:.0f} %"


def _figure(value: float) -> str:
    """With one digit after the point, or what stands for it in the page's language."""
    return f"{value:.1f}".replace(".", pgettext("decimal separator", "."))


@register.filter
def translated(value: Any) -> Any:
    """A word of ours in the page's language; what is nobody's word stays as it is."""
    return gettext(value) if isinstance(value, str) else value


@register.filter
def said(sentence: Any) -> Any:
    """What the daemon says, in the page's language."""
    return say(sentence) if isinstance(sentence, str) else sentence


@register.filter
def level_word(level: str) -> str:
    """For a screen reader, which is shown neither colour nor shape."""
    return gettext(LEVEL_WORDS.get(level, level))


@register.filter
def beside_the_word(told: Health) -> str:
    """What the sentence says beyond the word that stands before it."""
    first = told.reasons[0].sentence if told.reasons else ""
    return told.sentence.removeprefix(first).strip() if first == f"{told.word}." else told.sentence


@register.filter
def door_word(door: str) -> str:
    return gettext(DOORS.get(door, door)) if door else ""


@register.filter
def hundredths(fraction: float | None) -> int:
    return round(min(max(fraction or 0.0, 0.0), 1.0) * 100)


@register.filter
def state(node: NodeState) -> str:
    """The word for a node's state."""
    words = {True: gettext_noop("online"), False: gettext_noop("offline"), None: gettext_noop("unknown")}
    return words[node.online]


@register.filter
def reading(node: NodeState, name: str) -> float | None:
    """A figure of the node's last sample; None when there is none, or the node is gone."""
    return readings.of(node, name)


@register.filter
def sample_json(node: NodeState) -> str:
    """The last sample for `charts.js`, which draws it at the right edge."""
    return json.dumps({"time": node.sample.time_s, "values": node.sample.values}) if node.sample else ""


@register.filter
def link_address(node: NodeState, number: int) -> str:
    return next((link.address for link in node.links if link.number == number), "")


@register.filter
def link_priority(cluster: ClusterState, number: int) -> int | None:
    """What corosync.conf says of a link, for all nodes alike."""
    links = (link for node in cluster.nodes for link in node.links if link.number == number)
    return next((link.priority for link in links if link.priority is not None), None)


@register.filter
def totals(cluster: ClusterState) -> readings.Totals:
    """The nodes taken together."""
    return readings.totals(cluster.nodes)


@register.filter
def pips(quorum: Quorum) -> list[str]:
    """One word per expected vote, for the row of votes: present or absent, and which one makes the quorum."""
    return [
        ("pip-present" if number <= quorum.total_votes else "pip-absent")
        + (" pip-needed" if number == quorum.quorum else "")
        for number in range(1, quorum.expected_votes + 1)
    ]


@register.filter
def more_flags(quorum: Quorum) -> str:
    """What votequorum says beside whether it is quorate."""
    return ", ".join(flag for flag in quorum.flags if flag.lower() != "quorate")


@register.filter
def breakable(fingerprint: str) -> list[str]:
    """A fingerprint in pieces between which a line may break."""
    return fingerprint.replace(":", ": ").split(" ")


@register.filter
def ring_id(ring: RingId) -> str:
    """As corosync-quorumtool writes it: representative, then sequence in hexadecimal."""
    return f"{ring.representative:x}.{ring.sequence:x}"


@register.filter
def took(task: TaskState) -> float | None:
    return None if task.end_time_s is None else task.end_time_s - task.start_time_s


@register.filter
def item(values: dict[str, Any], key: str) -> Any:
    return values.get(key)


@register.filter
def listed(value: Any) -> list[str]:
    """A list, or what stands between commas."""
    return [each for each in value.split(",") if each] if isinstance(value, str) else list(value or ())


@register.filter
def sentence(words: str) -> str:
    """What completes "this value …", as a sentence of its own."""
    text = words.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


@register.filter(name="json")
def as_json(value: Any) -> str:
    """For an attribute that a script reads."""
    return json.dumps(value, separators=(",", ":"))


@register.filter
def proof(challenge: str) -> str:
    """What the server gave along with a challenge, to be given back with the answer to it."""
    return str(json.loads(challenge)["proof"])


@register.filter
def group_of(typed: Typed, name: str) -> str:
    """The group a node was put in, on the page that supposes."""
    return typed.group_of(name)
