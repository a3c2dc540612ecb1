"""The site: ``make docs`` builds it from the pages that ``index.md`` lists, without network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sphinx.addnodes import pending_xref

from docs.pages import INDEX, OUTSIDE, ROOT, as_toctrees, pages, without_ending
from mlcore.version import VERSION

project = "mlcore"
author = "the authors of mlcore"
release = VERSION
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# The sources are the checkout, so that links between pages lead to the same in it and in the site.
root_doc = without_ending(INDEX)
include_patterns = pages()
exclude_patterns = [".*", "build", "fixtures", "tests", "mlcore", "**/node_modules", "**/target"]
myst_heading_anchors = 4
# Code of several languages, some with placeholders, that highlighters refuse.
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # fields are documented once, by autodoc

html_theme = "furo"
html_title = f"mlcore {VERSION}"
html_extra_path = ["site"]
html_copy_source = False
html_show_copyright = False


def add_contents(app: Any, name: str, source: list[str]) -> None:
    """Make the list of pages the site's navigation."""
    if name == root_doc:
        source[0] = as_toctrees(source[0])


def keep_text(app: Any, document: Any) -> None:
    """Show a link to a folder, or to a page that is in the checkout alone, as its text."""
    folder = (ROOT / app.env.docname).parent
    for node in list(document.findall(pending_xref)):
        target = node["reftarget"]
        is_folder = node["reftype"] == "myst" and (folder / target).is_dir()
        if is_folder or (node["refdomain"] == "doc" and f"{target}.md" in OUTSIDE):
            node.replace_self(node.children)


def setup(app: Any) -> None:
    """Connect both with the generator."""
    app.connect("source-read", add_contents)
    app.connect("doctree-read", keep_text)
