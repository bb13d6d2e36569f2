"""Fixtures of the workflow tests."""

import pytest

from tests.workflow.world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
