# SPDX-License-Identifier: GPL-2.0-only
"""papers/: claims that hang together, tables that are kept, figures that repeat."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from vel2lib import papers, sweep
from vel2lib.errors import EXIT_FAILED, EXIT_OK, Vel2Error

FOLDERS = sorted(p.parent for p in papers.PAPERS.glob("*/claims.toml"))


def some_cells(paper: papers.Paper, traps: float = 3) -> list[list[papers.Cell | None]]:
    """Figures for every cell that the claims have."""
    cell = papers.Cell(traps, 700, 30, [("HPFAR_EL2 read", 1), ("eret", 1)])
    return [[cell if c else None for c in line["ours"]] for line in paper.claims["line"]]


def test_the_four_papers_are_there() -> None:
    """Each with what `make papers` has made of it."""
    assert [p.name for p in FOLDERS] == ["atc2017", "neve", "shadow-rfc", "turtles"]
    for folder in FOLDERS:
        assert (folder / "table.md").is_file() and (folder / "figure.svg").is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=[p.name for p in FOLDERS])
def test_claims_name_runs_that_exist(folder: Path) -> None:
    """Every cell is a run of its sweep; what a paper says is said to be known from somewhere."""
    paper = papers.load(folder)
    jobs = {n: sweep.expand(sweep.read(folder / f"{n}.toml")) for n in paper.claims["experiments"]}
    for line in paper.claims["line"]:
        assert ("paper" in line) == ("known" in line), line
        for cell in [c for c in line["ours"] if c]:
            wanted = {k: v for k, v in cell.items() if k not in papers.ROW_KEYS}
            found = [
                j
                for j in jobs[cell["sweep"]]
                if all(j["config"].get(k) == v for k, v in wanted.items())
            ]
            assert len(found) == 1, cell
    text = papers.table(paper, some_cells(paper))
    assert all(str(head) in text for head in paper.claims["ours"])


def test_a_figure_repeats(tmp_path: Path) -> None:
    """The same figures give the same bytes."""
    paper = papers.load(papers.PAPERS / "neve")
    for name in ("a.svg", "b.svg"):
        papers.figure(paper, some_cells(paper), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_another_figure_in_a_table_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is written, shown as a difference, and the command fails; the next time it is the table."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "claims.toml").write_text((papers.PAPERS / "turtles/claims.toml").read_text())
    traps = 3.0
    monkeypatch.setattr(papers, "PAPERS", tmp_path)
    monkeypatch.setattr(papers, "ROOT", tmp_path)
    monkeypatch.setattr(papers, "measure", lambda *_: {})
    monkeypatch.setattr(papers, "cells", lambda paper, *_: some_cells(paper, traps))
    options = argparse.Namespace(names=[], db=tmp_path / "r.db", jobs=None, no_build=True)
    assert papers.command_papers(options) == EXIT_OK
    assert papers.command_papers(options) == EXIT_OK
    traps = 4.0
    assert papers.command_papers(options) == EXIT_FAILED
    assert "table.md is not what it was" in capsys.readouterr().err
    assert papers.command_papers(options) == EXIT_OK


def test_a_claim_without_its_experiment(tmp_path: Path) -> None:
    """One line that names it."""
    text = (papers.PAPERS / "turtles/claims.toml").read_text()
    claims: Any = text.replace('experiments = ["bundled", ', "experiments = [")
    (tmp_path / "claims.toml").write_text(claims)
    with pytest.raises(Vel2Error, match="no such experiment"):
        papers.load(tmp_path)
