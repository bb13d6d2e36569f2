"""What is marked for translation in templates and in the site's Python, and what a template shows without a mark.

Reads source only. The catalogues in `locale/` are written by `script/translate`, and held against this by a test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.template import Engine
from django.template.base import Lexer, Token, TokenType, Variable
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.text import smart_split
from django.utils.translation import trim_whitespace

CALLS = {"_", "gettext", "gettext_noop", "gettext_lazy"}
IN_CONTEXT, COUNTED = {"pgettext", "pgettext_lazy"}, {"ngettext", "ngettext_lazy"}
SAID = ("title", "aria-label", "placeholder", "alt", "data-label")  # attributes that people read or hear
NOT_WORDS = re.compile(r"<(script|style|svg|kbd|code)\b.*?</\1>|<!--.*?-->|&[a-z0-9#]+;", re.S)
ATTRIBUTE = re.compile(r"\b(" + "|".join(SAID) + r')="([^"]*)"')
ARGUMENT = re.compile(r'\b_\("([^"]+)"\)')
LETTERS = re.compile(r"[^\W\d_]{2,}")
# Names and signs that are the same in every language.
SAME = re.compile(r"\b(Quire|API|CPU|ID|IP|GET|PUT|POST|DELETE|CSV|JSON|QR|UTC|TOTP|KiB|MiB|GiB|ms)\b")


@dataclass(frozen=True, order=True)
class Message:
    """One entry of a catalogue."""

    msgid: str
    plural: str = ""
    context: str = ""
    place: str = ""


def in_template(path: Path, engine: Engine) -> Iterator[Message]:
    nodes = engine.from_string(path.read_text(encoding="utf-8")).nodelist
    for node in nodes.get_nodes_by_type(TranslateNode):
        subject = node.filter_expression.var  # type: ignore[attr-defined]
        words = subject.literal if isinstance(subject, Variable) else subject
        if isinstance(words, str):
            context = getattr(node, "message_context", None)
            yield Message(words.replace("%%", "%"), context=context.var if context else "", place=path.name)
    yield from _in_tags(path)
    for block in nodes.get_nodes_by_type(BlockTranslateNode):
        yield Message(_words(block, "singular"), _words(block, "plural"), place=path.name)


def _in_tags(path: Path) -> Iterator[Message]:
    """`_("…")` as an argument of a tag or a filter."""
    for token in Lexer(path.read_text(encoding="utf-8")).tokenize():
        if token.token_type in (TokenType.BLOCK, TokenType.VAR):
            yield from (Message(words, place=path.name) for words in ARGUMENT.findall(token.contents))


def _words(node: object, which: str) -> str:
    tokens = getattr(node, which)
    text = node.render_token_list(tokens)[0] if tokens else ""  # type: ignore[attr-defined]
    return trim_whitespace(text) if getattr(node, "trimmed", False) else text


def in_python(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        name = node.func.id
        if name in CALLS and texts:
            yield Message(texts[0], place=path.name)
        elif name in IN_CONTEXT and len(texts) == 2:
            yield Message(texts[1], context=texts[0], place=path.name)
        elif name in COUNTED and len(texts) == 2:
            yield Message(texts[0], texts[1], place=path.name)


def unmarked(path: Path) -> list[str]:
    """Words that people see or hear and that no tag translates."""
    source = NOT_WORDS.sub(" ", "".join(_outside(Lexer(path.read_text(encoding="utf-8")).tokenize())))
    said = [match.group(2) for match in ATTRIBUTE.finditer(source)]
    seen = re.sub(r"<[^>]*>", "\n", re.sub(r'"[^"]*"', '""', source)).split("\n")
    return [text.strip() for text in (*said, *seen) if LETTERS.search(SAME.sub("", text))]


def _outside(tokens: list[Token]) -> Iterator[str]:
    """The text between tags; what stands between `blocktranslate` and its end is marked."""
    inside = False
    for token in tokens:
        if token.token_type is TokenType.BLOCK:
            name = next(smart_split(token.contents), "")
            inside = name in ("blocktranslate", "comment") or (
                inside and name not in ("endblocktranslate", "endcomment")
            )
        elif token.token_type is TokenType.TEXT and not inside:
            yield token.contents
