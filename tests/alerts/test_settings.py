"""Rules, targets, silences and templates: what is taken, and what is refused with a reason."""

from __future__ import annotations

import json

import pytest

from cluster.access.sections import Section, render
from cluster.alerts.condition import Condition
from cluster.alerts.settings import TEMPLATE, VALUES, check, fill, read
from cluster.errors import InvalidInput

ROOT = "https://hooks.example/x"


def faults(kind: str, name: str = "ops", **given: str) -> dict[str, str]:
    try:
        check(Section(kind, name, given))
    except InvalidInput as error:
        return dict(error.fields)
    return {}


def test_whole_settings_are_taken() -> None:
    assert faults("webhook", url=ROOT, template=TEMPLATE, comment="us") == {}
    assert faults("smtp", server="mail.example", to="a@b.c,d@e.f", mode="tls", **{"from": "q@b.c"}) == {}
    assert faults("rule", "latency", threshold="20") == faults("silence", until="2000000000", about="disk") == {}


@pytest.mark.parametrize(
    "url",
    ["ftp://a/b", "https://user:secret@a/", "https://a/#x", "https:///x", "file:///etc/passwd", "https://a\\b/", "x"],
)
def test_an_address_with_something_hidden_in_it_is_refused(url: str) -> None:
    assert set(faults("webhook", url=url)) == {"url"}


def test_a_line_end_cannot_smuggle_in_a_header_or_a_section() -> None:
    assert set(faults("ntfy", url=ROOT, comment="a\nwebhook: evil")) == {"comment"}
    assert "to" in faults("smtp", server="m.example", to="a@b.c\r\nBcc: x@y.z", **{"from": "q@b.c"})


def test_what_is_missing_or_unknown_is_named() -> None:
    assert set(faults("smtp", server="m")) == {"from", "to"}
    assert set(faults("rule", "nonsense")) == {"id"}
    assert set(faults("gotify", url=ROOT, template="{}")) == {"template"}


def test_a_template_puts_values_in_their_places_and_does_nothing_else() -> None:
    nasty = 'quote " backslash \\ line\nend {{ title }} <b>'
    whole = json.loads(fill(TEMPLATE, dict.fromkeys(VALUES, nasty)))
    assert whole["text"] == whole["title"] == nasty
    assert set(faults("webhook", url=ROOT, template='{"a": "{{ password }}"}')) == {"template"}
    assert set(faults("webhook", url=ROOT, template='{"a": {{ title }}')) == {"template"}


def test_a_silence_holds_for_its_kind_and_node_until_it_ends() -> None:
    silence = Section("silence", "s", {"about": "disk", "node": "beta", "until": "1000"})
    kept = read(render([silence]))
    one = Condition("disk/beta", "disk", "beta", "")
    assert kept.is_silenced(one, 999) and not kept.is_silenced(one, 1000)
    assert not kept.is_silenced(Condition("disk/alpha", "disk", "alpha", ""), 1)
    assert not kept.is_silenced(Condition("clock/beta", "clock", "beta", ""), 1)


def test_a_damaged_file_is_no_settings_and_the_usual_thresholds() -> None:
    assert read(b"\x00\xffnonsense").sections == ()
    assert read(None).thresholds["latency"] == 10
    assert read(b"rule: latency\n\tthreshold 25\n").thresholds["latency"] == 25
