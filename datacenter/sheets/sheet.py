"""What a sheet is made of: columns, rows, and acts, each a dialog with fields that becomes one call of the API.

Only descriptions; `forms.py` reads what was typed, `views.py` shows and acts. Which sheets there are is said in the
room of each page (`datacenter/permissions/`, `datacenter/account/`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datacenter.sheets.own import Own

Values = Mapping[str, Any]
Choices = tuple[tuple[str, str], ...]  # value and words
Kind = Literal["text", "password", "check", "choice", "several", "moment", "area", "hidden", "number", "asked"]
Shape = Literal["text", "name", "words", "said", "flag", "moment", "tags"]


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is the API's parameter. An `optional` one that is left empty is not sent. `choices` names what the sheet's
    `choices` gives, or says them. `asked` is one that a
    fragment brings along. What may stand in it is for the API to say, in its own words."""

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    optional: bool = False
    choices: str | Choices = ()
    value: Any = ""  # to begin with
    autocomplete: str = "off"
    suggests: str = ""  # choices one may take or leave


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    shape: Shape = "text"


@dataclass(frozen=True, slots=True)
class Act:
    """`keys` are the row's values that say which one is meant; `given` makes what was typed into parameters.
    `confirms` names the parameter of the caller's own password. `shows` is a template for the answer, where there is
    more to it than that it worked, put in the place `into`; `leaves` is where to go afterwards, when the session has
    ended by it. `template` is for dialogs that show more than fields. `applies` says for which rows there is such an
    act at all, `may` who may, `why` what it takes."""

    name: str
    label: str
    title: str
    method: str
    path: str
    fields: tuple[Field, ...] = ()
    keys: tuple[str, ...] = ()
    lead: str = ""
    icon: str = ""
    dangerous: bool = False
    confirms: str = ""
    shows: Callable[[Any], str] = lambda answer: ""
    into: str = "#dialog-slot"
    leaves: str = ""
    template: str = "sheets/_dialog.html"
    fixed: Values | None = None
    given: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    fill: Callable[[Any, Values], Awaitable[Values]] | None = None
    applies: Callable[[Values], bool] = lambda row: True
    may: Callable[[Own, Values], bool] = lambda own, row: True
    why: str = ""


async def _no_choices(_request: Any) -> dict[str, Choices]:
    return {}


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` are those the caller may see; `of_row` acts stand at each, the others above the list."""

    name: str
    title: str
    icon: str
    columns: tuple[Column, ...]
    rows: Callable[[Any], Awaitable[list[dict[str, Any]]]]
    empty: tuple[str, str]  # a headline, and what to do
    acts: tuple[Act, ...] = ()
    of_row: tuple[Act, ...] = ()
    choices: Callable[[Any], Awaitable[dict[str, Choices]]] = _no_choices
    lead: str = ""
    links: tuple[tuple[str, str, str], ...] = ()  # of a row: words, address before the key's value, the key

    def act(self, name: str) -> Act | None:
        return next((each for each in (*self.acts, *self.of_row) if each.name == name), None)
