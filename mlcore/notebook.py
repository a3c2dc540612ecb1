"""Results as tables in notebooks, which ask a value for ``_repr_html_``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlcore.printable import html_text

__all__ = ["SHOWN_ROWS", "html_table"]

SHOWN_ROWS = 20


def html_table(caption: str, rows: Sequence[Mapping[str, object]], num_rows: int) -> str:
    """Return a table with everything escaped: markup, and what turns the reading order around.

    Args:
        rows: all with the keys of the first; the first ``SHOWN_ROWS`` are shown.
        num_rows: how many there are in all; those not shown are counted below.

    >>> html_table("one item", [{"item_id": "<a>", "score": 0.5}], 1)[-62:]
    '<tbody><tr><td>&lt;a&gt;</td><td>0.5</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{html_text(name)}</th>" for name in rows[0]) if rows else ""
    shown = rows[:SHOWN_ROWS]
    body = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in shown)
    rest = f"<p>{len(shown)} of {num_rows} rows</p>" if num_rows > len(shown) else ""
    return (
        f"<table><caption>{html_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"
    )


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"<td>{html_text(text)}</td>"
