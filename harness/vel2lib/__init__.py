# SPDX-License-Identifier: GPL-2.0-only
"""The parts of harness/vel2: QEMU driver, records of L0, witness, results, tables."""
