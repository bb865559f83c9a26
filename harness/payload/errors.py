# SPDX-License-Identifier: GPL-2.0-only
"""The one exception of this package: its text is one line for the user."""


class PayloadError(Exception):
    """A payload cannot be built; str() says what failed and what to do."""
