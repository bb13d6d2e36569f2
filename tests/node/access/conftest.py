"""An account of the host, for tests that sign in through PAM."""

import subprocess
import uuid

import argon2
import pytest

from cluster.node.access import secret_hashes

PASSWORD = "correct horse battery"


@pytest.fixture
def account():
    """A host account for the test's time, with a password."""
    if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() != "0":
        pytest.skip("making an account needs root")
    name = "qg" + uuid.uuid4().hex[:8]
    made = subprocess.run(["useradd", "-M", "-s", "/bin/sh", name], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip("useradd does not work here: " + made.stderr.strip())
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{PASSWORD}", text=True, check=True)
        yield name
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is no part of what these tests are about."""
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(secret_hashes, "_hasher", hasher)
    monkeypatch.setattr(secret_hashes, "NOBODYS", hasher.hash("nobody's"))
