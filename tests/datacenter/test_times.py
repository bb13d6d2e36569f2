"""Every moment on a page is kept up by `times.js`: exact or as a span, with the other of the two at the pointer."""

from __future__ import annotations

import re

from datacenter.language import catalogue


def test_every_time_of_every_template_is_a_clock_or_a_span() -> None:
    found = [
        (path.name, element)
        for path in catalogue.templates()
        for element in re.findall(
            r"<time\b.*?>[^<]", re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "x", path.read_text(encoding="utf-8"))
        )
    ]
    assert len(found) > 25
    assert [each for each in found if not re.search("data-(since|clock|left|socket-since)", each[1])] == []
