"""The fake node behind the API, for attacks that need no more than that."""

from __future__ import annotations

from tests.api.conftest import api as api
from tests.api.conftest import node as node
from tests.api.conftest import stranger as stranger
