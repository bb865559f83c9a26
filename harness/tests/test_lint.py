# SPDX-License-Identifier: GPL-2.0-only
"""make lint is part of make test, one test a check."""

from __future__ import annotations

import pytest

from vel2lib import lint


@pytest.mark.parametrize("name", list(lint.CHECKS))
def test_lint(name: str) -> None:
    """The check has no complaint."""
    assert not lint.CHECKS[name]()
