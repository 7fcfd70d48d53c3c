"""How Sphinx builds the documentation. Nothing is fetched: it builds without a network."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
# The package from the tree that the pages are in, whatever else is installed.
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

about = runpy.run_path(str(HERE.parent / "aiohttp_cors" / "__about__.py"))

project = about["__title__"]
author = about["__author__"]
copyright = about["__copyright__"]  # noqa: A001  # the name is Sphinx's
version = release = about["__version__"]

extensions = ["sphinx.ext.autodoc", "local_links", "sequence"]
exclude_patterns = ["_build"]
nitpicky = True
# What belongs to others: their inventories would have to be fetched.
nitpick_ignore_regex = [
    (r"py:.*", r"(?:aiohttp|web|collections|typing|re|ValueError|asyncio|json|multidict|yarl)\b.*"),
    (r"py:.*", r"(?:TestClient|URL|CIMultiDictProxy|Mapping|Collection|Iterable|Callable|Any)"),
    (r"py:.*", r"aiohttp_cors\._.*"),
    # Aliases and type variables, which have no page of their own.
    (
        r"py:.*",
        r"(?:.*\.)?(?:E|F|T|Body|Mode|Credentials|Config|Layer|Handler|Options|Names|Explanation|Audit)",
    ),
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {
    "source_repository": about["__uri__"],
    "source_branch": "master",
    "source_directory": "docs/",
}
