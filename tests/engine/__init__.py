"""Tests of the engines; `contract.py` holds for every maker."""

import pytest

pytest.register_assert_rewrite("tests.engine.contract")
