# SPDX-License-Identifier: GPL-2.0-only
"""Guest payloads made from Debian's own packages."""
