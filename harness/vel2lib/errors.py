# SPDX-License-Identifier: GPL-2.0-only
"""The one way in which anything here fails: a line for the user and an exit status."""

from __future__ import annotations

#: Exit statuses of harness/vel2.
EXIT_OK = 0
EXIT_ERROR = 1  # the user's: options, files, packages, what L0 refuses
EXIT_PANIC = 2  # L0 found a fault of its own
EXIT_FAILED = 3  # the guest failed, or the counts do not agree with the witness
EXIT_TIMEOUT = 4  # the guest hung
EXIT_INTERRUPTED = 130


class Vel2Error(Exception):
    """Something the user must know. The text is one line: what is wrong and what to do."""

    def __init__(self, message: str, status: int = EXIT_ERROR):
        super().__init__(message)
        self.status = status
