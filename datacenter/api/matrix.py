"""Who may call what, worked out from the descriptions: role by path by method. `manage.py writematrix` writes it
to `docs/permissions.md`; the API's page names an operation's roles by it. It decides nothing (`permission.py` does).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.access.privileges import BUILT_IN
from datacenter.api.endpoint import Endpoint
from datacenter.api.permission import PUBLIC, SIGNED_IN, Combined, Permission, Privileged, Who, Within, in_words
from datacenter.api.table import ENDPOINTS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/permissions.md"
BEGINNING = """# Who may call what

Every endpoint of the API, with what it takes and which roles have that. Made from the descriptions by
`manage.py writematrix`; a test fails when it is out of date, and `tests/api/test_matrix.py` asks the API each cell.

● a user with this role on `/` may · ○ signed in is enough, and what is asked for decides: the last column says how ·
empty: refused with 403. Whoever is not signed in may call what is for everybody, and is refused everything else with
an empty 401. root@pam may everything; *root@pam* in the last column means that user alone, and none of its tokens. A
token has what its user has, or with rights of its own what both have. These roles open nothing more than being signed
in does: {others}.

"""


def suffices(permission: Permission, held: frozenset[str]) -> bool:
    """Whether a signed-in user with these privileges everywhere gets past the door."""
    if isinstance(permission, Combined):
        each = [suffices(part, held) for part in permission.parts]
        return all(each) if permission.word == "and" else any(each)
    if isinstance(permission, Privileged):
        wanted = set(permission.privileges)
        return bool(wanted & held) if permission.any else wanted <= held
    return permission in (PUBLIC, SIGNED_IN) or isinstance(permission, Within)


def roles(permission: Permission) -> list[str]:
    """The built-in roles that are enough, where a role is what it takes."""
    if isinstance(permission, Who | Within) or suffices(permission, frozenset()):
        return []
    return [role for role, held in BUILT_IN.items() if suffices(permission, held)]


def document(endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> str:
    telling = [role for role in BUILT_IN if any(role in roles(each.permission) for each in endpoints)]
    others = ", ".join(role for role in BUILT_IN if role not in telling)
    head = ["", "signed in", *telling, "what it takes"]
    lines = [f"| {' | '.join(head)} |", f"|---|{':-:|' * (len(telling) + 1)}---|"]
    return BEGINNING.format(others=others) + "\n".join([*lines, *_rows(endpoints, telling)]) + "\n"


def _rows(endpoints: tuple[Endpoint, ...], telling: list[str]) -> Iterator[str]:
    for each in sorted(endpoints, key=lambda each: (each.path.split("/"), each.method)):
        cells = [_cell(each.permission, held) for held in (frozenset[str](), *(BUILT_IN[role] for role in telling))]
        yield f"| `{each.method} {each.path}` | {' | '.join(cells)} | {_words(each.permission)} |"


def _cell(permission: Permission, held: frozenset[str]) -> str:
    return "" if not suffices(permission, held) else "○" if isinstance(permission, Within) else "●"


def _words(permission: Permission) -> str:
    words = {PUBLIC: "nothing: it is for everybody", SIGNED_IN: "being signed in"}
    if isinstance(permission, Who):
        return words.get(permission, "*root@pam*")
    return in_words(permission).replace("|", "\\|").replace("<", "&lt;")
