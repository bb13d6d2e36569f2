"""The list of what Quire is made of, as others read it: by CycloneDX's schema, with everything the locks name."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cluster.version import VERSION
from tests.security.locks import LOCKS, ROOT, locked


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    subprocess.run([ROOT / "script/sbom", file], check=True, timeout=120)
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    return {each["purl"]: each for each in json.loads(text)["components"]}


def npm_packages() -> dict[str, dict[str, Any]]:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return {
        f"pkg:npm/{path.rpartition('node_modules/')[2].replace('@', '%40')}@{each['version']}": each
        for path, each in packages.items()
        if path
    }


def test_t65_the_list_is_what_the_schema_of_cyclonedx_asks_for(text: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"bomFormat"', '"format"')) is not None
    assert json.loads(text)["metadata"]["component"]["version"] == VERSION


def test_t65_the_list_has_all_of_both_locks_and_nothing_else(components: dict[str, dict[str, Any]]) -> None:
    python = {f"pkg:pypi/{name}@{one.version}" for lock in LOCKS.values() for name, one in locked(lock).items()}
    assert set(components) == python | set(npm_packages())


def test_t65_the_list_has_the_hashes_of_the_locks(components: dict[str, dict[str, Any]]) -> None:
    for lock in LOCKS.values():
        for name, one in locked(lock).items():
            hashes = {
                f"--hash=sha256:{each['content']}" for each in components[f"pkg:pypi/{name}@{one.version}"]["hashes"]
            }
            assert hashes == set(one.hashes), name
    for purl, package in npm_packages().items():
        (only,) = components[purl]["hashes"]
        assert only["alg"] == "SHA-512"
        assert package["integrity"] == "sha512-" + base64.b64encode(bytes.fromhex(only["content"])).decode()


def test_t65_the_list_says_what_a_node_runs_with(components: dict[str, dict[str, Any]]) -> None:
    run = {purl for purl, each in components.items() if each["scope"] == "required"}
    on_a_node = {**locked("requirements.lock"), **locked("requirements-crypt.lock")}
    charts = {purl for purl in npm_packages() if purl.startswith("pkg:npm/uplot@")}
    assert run == {f"pkg:pypi/{name}@{one.version}" for name, one in on_a_node.items()} | charts and charts


def test_t65_the_list_says_who_needs_whom(text: str) -> None:
    needs = {each["ref"]: set(each.get("dependsOn", ())) for each in json.loads(text)["dependencies"]}
    assert {"pypi/django", "npm/uplot"} <= needs["quire"] and "pypi/asgiref" in needs["pypi/django"]


def test_t65_a_second_run_replaces_the_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    file.write_text("old")
    subprocess.run([ROOT / "script/sbom", file], check=True, timeout=120)
    assert json.loads(file.read_text())["bomFormat"] == "CycloneDX" and list(tmp_path.iterdir()) == [file]
