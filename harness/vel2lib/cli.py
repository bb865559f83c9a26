# SPDX-License-Identifier: GPL-2.0-only
"""The command line of harness/vel2."""

from __future__ import annotations

import argparse
import sys

from . import setup
from .errors import Vel2Error


def main(argv: list[str]) -> int:
    """Run one command; its exit status."""
    parser = argparse.ArgumentParser(prog="vel2", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="install what the host lacks")
    parser.parse_args(argv)
    try:
        setup.setup(verbose=True)
    except Vel2Error as error:
        print(f"vel2: {error}", file=sys.stderr)
        return error.status
    return 0
