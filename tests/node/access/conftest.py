"""An account of the host, for tests that sign in through PAM."""

import subprocess
import uuid

import pytest

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
