"""No dialog without a walk by keyboard: whoever adds a template with one says which test walks it."""

from __future__ import annotations

from pathlib import Path

from tests.browser.keyed import DIALOGS

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def test_every_template_with_a_dialog_is_walked_by_keyboard() -> None:
    texts = {path.relative_to(TEMPLATES).as_posix(): path.read_text() for path in TEMPLATES.rglob("*.html")}
    found = {template: text for template, text in texts.items() if "<dialog" in text}
    listed = {template: title for walk in DIALOGS.values() for template, title in walk.items()}
    assert sorted(found) == sorted(listed), "list it in tests/browser/keyed.py, beside the test that walks it"
    wrong = [each for each, title in listed.items() if title and f'aria-labelledby="{title}"' not in found[each]]
    assert wrong == []
