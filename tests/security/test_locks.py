"""What is installed is known by its hash: every distribution, in one version, and nothing else is taken for it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.security.locks import LOCKS, ROOT, asked, locked, needed

SET_UP = (ROOT / "script/setup").read_text()


@pytest.mark.parametrize("name", LOCKS.values())
def test_t65_every_line_of_a_lock_names_one_version_and_its_hashes(name: str) -> None:
    lock = locked(name)
    assert lock and [each for each, one in lock.items() if not one.hashes] == []


@pytest.mark.parametrize(("name", "lock"), LOCKS.items())
def test_t65_a_lock_has_what_is_asked_for_in_the_version_asked_for(name: str, lock: str) -> None:
    """`script/lock` was run after the last change."""
    versions = {each: one.version for each, one in locked(lock).items()}
    assert [str(one) for one in asked(name) if not one.specifier.contains(versions[canonicalize_name(one.name)])] == []


def test_t65_tests_run_with_what_a_node_runs_with() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


def test_t65_what_runs_is_what_is_locked_and_needs_nothing_that_is_not() -> None:
    lock = locked("requirements-dev.lock")
    runs = {each: metadata.version(each) for each, one in lock.items() if one.here}
    assert runs == {each: one.version for each, one in lock.items() if one.here}
    assert needed([one for name in ("requirements.txt", "requirements-dev.txt") for one in asked(name)]) <= set(lock)
    assert needed(asked("requirements.txt")) <= set(locked("requirements.lock"))
    assert needed(asked("requirements-crypt.txt")) <= set(locked("requirements-crypt.lock"))


def test_t65_set_up_installs_from_locks_alone() -> None:
    """No line of it calls pip another way, and what compiles crypt_r is in the lock too."""
    assert re.findall(r"\bpip\S* .*\binstall\b.*", SET_UP) == [
        "pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes)"
    ]
    assert re.findall(r'"\$\{pip\[@\]\}" (.+) >&2', SET_UP) == [
        "--only-binary :all: -r requirements-dev.lock",
        "--no-build-isolation -r requirements-crypt.lock",
    ]
    assert "setuptools" in locked("requirements-dev.lock")


@pytest.mark.parametrize("name", (*LOCKS, *LOCKS.values()))
def test_t65_no_list_says_where_to_fetch_from(name: str) -> None:
    """Which registry is asked is the machine's business; what must come from it is not."""
    assert not re.search(r"://|--(?:extra-)?index|--find-links|--trusted", (ROOT / name).read_text())


def test_t65_another_file_under_the_same_name_is_refused(tmp_path: Path) -> None:
    wheel = small_wheel(tmp_path)
    right = f"small==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    wrong = f"small==1.0 --hash=sha256:{hashlib.sha256(b'another').hexdigest()}"
    refused = install(tmp_path, wrong)
    assert refused.returncode != 0 and "DO NOT MATCH THE HASHES" in refused.stderr
    assert "--hash" in install(tmp_path, "small==1.0").stderr
    assert not (tmp_path / "into").exists()
    assert install(tmp_path, right).returncode == 0 and (tmp_path / "into/small.py").exists()


def small_wheel(folder: Path) -> Path:
    wheel = folder / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small.py", "")
        archive.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        archive.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small-1.0.dist-info/RECORD", "")
    return wheel


def install(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """As script/setup does, from a folder instead of a registry; whatever this machine's settings of pip are."""
    (folder / "lock").write_text(line + "\n")
    command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir", "install"]
    command += ["--no-index", "--find-links", str(folder), "--target", str(folder / "into")]
    command += ["--require-hashes", "--only-binary", ":all:", "-r", str(folder / "lock")]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
