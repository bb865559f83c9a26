# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 report`: one file, with everything in it, that a browser shows."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import Command
from test_results import entry
from vel2lib import store

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def report(vel2: Command, tmp_path: Path) -> Path:
    """The report of a database with both mechanisms, an old run and three depths."""
    base, out = tmp_path / "results.db", tmp_path / "report.html"
    deep = entry(config={"l1": "vel2", "depth": 1, "l2": "<bundled>"}, traps=60)
    deep.rows[0]["level"] = "l3"
    alone = entry()
    alone.rows[0] |= {"level": "vm", "l0_instructions": {"min": 200, "median": 210, "max": 300}}
    for one in (entry(traps=77), entry(), entry(config={"mech": "nv"}, traps=9), alone, deep):
        store.insert(one, base)
    done = vel2("report", "--db", str(base), "-o", str(out))
    assert done.returncode == 0, done.stderr
    return out


def test_is_complete(report: Path) -> None:
    """Tables with the newest figures; every image inside; nothing from elsewhere."""
    text = report.read_text()
    assert "1 hvc, 1 sysreg" in re.sub(r"<[^>]+>", "\n", text) and "8 sysreg, 1 hvc" in text
    assert "77" not in re.sub(r"<img[^>]+>", "", text)
    assert "<bundled>" not in text and "&lt;bundled&gt;" in text
    sources = re.findall(r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', text)
    names = [name for name, _ in sources]
    assert "traps by reason, L2 under L1" in names and "traps against depth" in names
    assert "instructions, L1 as the guest" in names
    assert len(names) == text.count("<img")
    for _, data in sources:
        assert b"</svg>" in base64.b64decode(data)
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_repeats(vel2: Command, report: Path, tmp_path: Path) -> None:
    """The same database, the same report, but for the time."""
    again = tmp_path / "again.html"
    vel2("report", "--db", str(tmp_path / "results.db"), "-o", str(again))
    one, other = (re.sub(r"Made [^.]+\.", "", p.read_text()) for p in (report, again))
    assert one == other


def test_nothing_to_show(vel2: Command, tmp_path: Path) -> None:
    """One line."""
    done = vel2("report", "--db", str(tmp_path / "results.db"), "-o", str(tmp_path / "x.html"))
    assert done.returncode == 1 and done.stderr.startswith("vel2: ")
    store.insert(entry(), tmp_path / "results.db")
    args = ["--db", str(tmp_path / "results.db"), "-o", str(tmp_path / "x.html")]
    done = vel2("report", "--mech", "none", *args)
    assert done.returncode == 1 and "no measured operations" in done.stderr


def test_in_a_browser(report: Path, tmp_path: Path) -> None:
    """Headless Chromium decodes every figure, and what it paints is not blank."""
    found_browsers = [shutil.which(name) for name in BROWSERS]
    browser = next((found for found in found_browsers if found), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    looked, shot = tmp_path / "looked.html", tmp_path / "shot.png"
    script = (
        "<script>addEventListener('load', () => { document.body.dataset.widths ="
        "[...document.images].map(i => i.naturalWidth).join(' ') })</script></body>"
    )
    looked.write_text(report.read_text().replace("</body>", script))
    common: list[str] = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1200,1600",
    ]
    common.append(f"--user-data-dir={tmp_path / 'profile'}")

    def look(*args: str) -> str:
        done = subprocess.run(
            [*common, *args, looked.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return str(done.stdout)

    found = re.search(r'data-widths="([\d ]+)"', look("--dump-dom"))
    assert found is not None
    widths = [int(w) for w in found.group(1).split()]
    assert len(widths) == report.read_text().count("<img") and min(widths) > 100
    look(f"--screenshot={shot}")
    assert shot.read_bytes()[:4] == b"\x89PNG" and shot.stat().st_size > 20000
