"""What `library.py` declares, against the headers that are installed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.corosync import library, status
from cluster.errors import CorosyncError, Unavailable

HEADERS = ("cpg", "quorum", "votequorum", "cmap", "cfg", "corotypes")
INCLUDE = Path("/usr/include/corosync")
PROGRAM = """
#include <stddef.h>
#include <stdio.h>
#include <sys/uio.h>
{includes}
int main(void) {{
{lines}
    return 0;
}}
"""


def declared_structs() -> Iterator[tuple[str, Any]]:
    """Name in C → cffi's idea of it, for every struct that is declared."""
    typedefs, structs, _ = library.ffi().list_types()
    for name in structs:
        yield f"struct {name}", library.ffi().typeof(f"struct {name}")
    for name in typedefs:
        kind = library.ffi().typeof(name)
        if kind.kind == "struct":
            yield name, kind


def our_layout() -> dict[str, int]:
    layout = {}
    for name, kind in declared_structs():
        layout[name] = library.ffi().sizeof(kind)
        for field, described in kind.fields:
            layout[f"{name}.{field}"] = described.offset
            layout[f"{name}.{field} size"] = library.ffi().sizeof(described.type)
    return layout


def their_layout(folder: Path) -> dict[str, int]:
    lines = []
    for name, kind in declared_structs():
        lines.append(f'printf("{name}=%zu\\n", sizeof({name}));')
        for field, _ in kind.fields:
            lines.append(f'printf("{name}.{field}=%zu\\n", offsetof({name}, {field}));')
            lines.append(f'printf("{name}.{field} size=%zu\\n", sizeof((({name} *)0)->{field}));')
    includes = "\n".join(f"#include <corosync/{header}.h>" for header in HEADERS)
    source, program = folder / "layout.c", folder / "layout"
    source.write_text(PROGRAM.format(includes=includes, lines="\n".join(lines)))
    subprocess.run(["cc", "-o", program, source], check=True, timeout=60)
    said = subprocess.run([program], capture_output=True, text=True, check=True, timeout=10).stdout
    return {name: int(size) for name, _, size in (line.partition("=") for line in said.splitlines())}


@pytest.mark.corosync
def test_every_struct_is_laid_out_as_the_installed_headers_say(tmp_path: Path) -> None:
    ours = our_layout()
    assert len(ours) > 60
    assert ours == their_layout(tmp_path)


@pytest.mark.corosync
def test_every_declared_function_is_in_its_library() -> None:
    for name, declarations in zip(library.SONAMES, library.DECLARATIONS[1:], strict=True):
        functions = re.findall(r"^[a-z]\w+ \*?(\w+)\(", declarations, re.MULTILINE)
        assert len(functions) >= (4 if name == "qb" else 5)
        for function in functions:
            assert getattr(library.library(name), function) is not None


@pytest.mark.corosync
def test_every_status_has_the_name_that_the_headers_give_it() -> None:
    header = (INCLUDE / "corotypes.h").read_text()
    theirs = {int(number): name for name, number in re.findall(r"\b(CS_(?:OK|ERR_\w+)) = (\d+)", header)}
    assert theirs == status.NAMES


def test_importing_the_bindings_loads_nothing() -> None:
    program = (
        "import sys, cluster.corosync.cpg, cluster.corosync.quorum, cluster.corosync.votequorum, cluster.corosync.cmap,"
        " cluster.corosync.cfg, cluster.engine.corosync; print('cffi' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "False"


def test_a_missing_library_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(library.SONAMES, "cpg", "libnotthere.so.9")
    library.library.cache_clear()
    with pytest.raises(Unavailable, match=r"libnotthere\.so\.9 cannot be loaded; install corosync"):
        library.library("cpg")


def test_a_refused_call_becomes_an_error_that_names_call_and_status() -> None:
    status.check("cpg_join", 1)
    with pytest.raises(CorosyncError) as caught:
        status.check("cpg_join", 14)
    assert (caught.value.call, caught.value.status) == ("cpg_join", "CS_ERR_EXIST")
    with pytest.raises(CorosyncError, match="cs_error_t 77"):
        status.check("cpg_join", 77)


@pytest.mark.parametrize(
    ("code", "again", "lost"),
    [(6, True, False), (10, True, False), (2, False, True), (9, False, True), (12, False, False)],
)
def test_it_is_known_which_failures_pass_and_which_connections_are_dead(code: int, again: bool, lost: bool) -> None:
    error = CorosyncError("cpg_dispatch", status.NAMES[code])
    assert (status.is_try_again(error), status.is_lost(error)) == (again, lost)
