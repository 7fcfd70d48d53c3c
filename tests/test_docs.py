"""README.rst and the documentation: every code block runs, and what it builds serves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs

from . import _snippets

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aiohttp.plugin import AiohttpClient

EACH_PAGE = pytest.mark.parametrize("page", _snippets.pages(), ids=_snippets.name_of)


@EACH_PAGE
async def test_the_code_of_the_page_runs_and_what_it_builds_serves(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aiohttp_client: AiohttpClient
) -> None:
    monkeypatch.chdir(tmp_path)
    for app in _snippets.run(page, tmp_path).apps:
        client = await aiohttp_client(app)
        answer = await client.get("/", headers={hdrs.ORIGIN: "https://app.example"})
        assert answer.status < 500
        asks = {hdrs.ORIGIN: "https://app.example", hdrs.ACCESS_CONTROL_REQUEST_METHOD: "GET"}
        assert (await client.options("/", headers=asks)).status < 500


@EACH_PAGE
def test_the_page_shows_code_in_code_blocks_only(page: Path) -> None:
    assert _snippets.strays(page) == []


@pytest.mark.parametrize("name", ["README.rst", "CHANGES.rst"])
def test_the_file_is_plain_restructuredtext(name: str) -> None:
    # What package indexes render knows nothing of Sphinx.
    done = subprocess.run(
        [sys.executable, "-m", "docutils", "--writer=null", "--halt=warning", name],
        cwd=_snippets.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_readme_begins_with_an_example_and_two_commands() -> None:
    first, second, *_ = _snippets.blocks(_snippets.ROOT / "README.rst")
    assert (first.language, second.language) == ("python", "shell")
    assert second.line + 1 <= 40
    assert second.code.splitlines() == [
        "python3 -m venv .venv && .venv/bin/python -m pip install . "
        "&& .venv/bin/python -m aiohttp_cors demo",
        "python3 -m venv .venv && .venv/bin/python -m pip install -e '.[test]' "
        "&& .venv/bin/python -m pytest",
    ]
