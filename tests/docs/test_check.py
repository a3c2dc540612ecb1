"""docs.check: links of the built site, and what it loads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from docs.check import check, main


def site(folder: Path, body: str) -> Path:
    """Write a site of two pages."""
    (folder / "a.html").write_text(f"<h1 id='top'>A</h1>{body}")
    (folder / "b c.html").write_text("<p id='x'>B</p>")
    return folder


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<a href='b%20c.html#x'>", None),
        ("<a href='#top'>", None),
        ("<a href='https://example.com/'>", None),
        ("<link rel='canonical' href='https://example.com/'>", None),
        ("<a href='b%20c.html#y'>", "leads nowhere: b%20c.html#y"),
        ("<a href='#bottom'>", "leads nowhere: #bottom"),
        ("<a href='gone.html'>", "leads nowhere: gone.html"),
        ("<img src='gone.svg'>", "leads nowhere: gone.svg"),
        ("<script src='https://example.com/x.js'></script>", "loads https://example.com/x.js"),
        ("<link rel='stylesheet' href='//example.com/x.css'>", "loads //example.com/x.css"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_is_a_fault(
    body: str, fault: str | None, tmp_path: Path
) -> None:
    _, faults = check(site(tmp_path, body))
    assert faults == ([] if fault is None else [f"a.html: {fault}"])


def test_a_font_from_elsewhere_is_a_fault(tmp_path: Path) -> None:
    (site(tmp_path, "") / "x.css").write_text("@font-face { src: url('https://example.com/f') }")
    assert check(tmp_path)[1] == ["x.css: loads from elsewhere"]


def test_an_empty_site_is_a_fault(tmp_path: Path) -> None:
    assert check(tmp_path)[1] == [f"{tmp_path.name}: no page"]


def test_the_command_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site(tmp_path, "<a href='#top'>")
    monkeypatch.setattr(sys, "argv", ["check", str(tmp_path)])
    assert main() == 0
    assert capsys.readouterr().out == "2 pages, 1 links: right\n"
