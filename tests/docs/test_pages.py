"""docs.pages: the list of pages has all, in one order, and the generator gets it."""

from __future__ import annotations

from docs.pages import INDEX, OUTSIDE, ROOT, as_toctrees, pages, sections


def test_every_page_is_in_the_list_once() -> None:
    patterns = ("*.md", "docs/**/*.md", "sql/*.md", "interop/*.md", "interop/*/*.md")
    there = {
        path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)
    }
    listed = pages()
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == there - OUTSIDE


def test_the_order_is_that_of_a_newcomer() -> None:
    order = [
        *("docs/why.md", "docs/tutorial.md", "docs/which-similarity.md", "docs/data.md"),
        *("docs/evaluate.md", "docs/production.md", "docs/serve.md", "docs/warehouse.md"),
        *("docs/scale.md", "interop/SPEC.md", "docs/architecture.md", "docs/troubleshooting.md"),
        *("docs/api.md", "CHANGELOG.md"),
    ]
    assert [page for page in pages() if page in order] == order
    assert pages()[0] == INDEX


def test_sections_become_trees_of_the_generator() -> None:
    text = "# Title\n\n## One\n\n- [A](a.md): first\n- [B](../b/B.md)\n\n## Empty\n\nNothing.\n"
    assert sections(text) == {"One": {"a.md": "A", "../b/B.md": "B"}}
    tree = "```{toctree}\n:hidden:\n:caption: One\n\nA <a>\nB <../b/B>\n```\n"
    assert as_toctrees(text) == f"{text}\n{tree}"
