"""The harness that runs the documentation notices what is wrong with a page."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

import pytest

from . import _snippets

if TYPE_CHECKING:
    from pathlib import Path


def page_of(tmp_path: Path, text: str) -> Path:
    page = tmp_path / "page.rst"
    page.write_text(textwrap.dedent(text))
    return page


def block(language: str, code: str, *options: str) -> str:
    lines = [f".. code-block:: {language}", *options, "", *code.splitlines()]
    return "\n    ".join(lines) + "\n\n"


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("python", "answer = 41\nraise ValueError('no')", "no"),
        ("python", "def test_it():\n    assert 1 == 2", "1 failed"),
        ("python", "from aiohttp_cors import ResourceOptions\nResourceOptions(x=1)", "'x'"),
        ("shell", "if true; then", "syntax error"),
        ("shell", "python -m aiohttp_cors nothing", "invalid choice"),
        ("console", "$ python -m aiohttp_cors -h\nusage: something else", "printed"),
        ("console", "$ echo 'unclosed", "unexpected EOF"),
        ("text", "never printed", "'never printed'"),
        ("json", "{'single': 1}", "double quotes"),
        ("toml", "a = ", "Invalid value"),
        ("html", "<p><b>bold</p>", "closes something else"),
        ("html", "<p>open", "not closed"),
        ("http", "GET / HTTP/1.1\nno header", "no header"),
        ("nginx", "events {}", ":caption:"),
        ("cobol", "STOP RUN.", "cobol"),
    ],
    ids=lambda value: value if value.isalpha() else "",
)
def test_a_block_that_is_wrong_fails_with_its_place(
    tmp_path: Path, language: str, code: str, said: str
) -> None:
    page = page_of(tmp_path, "Title\n=====\n\n" + block(language, code))
    with pytest.raises(AssertionError, match=r"^page\.rst:6: ") as failure:
        _snippets.run(page, tmp_path)
    assert said in str(failure.value)


def test_a_script_that_is_wrong_fails(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    page = page_of(tmp_path, block("javascript", "const = 1"))
    with pytest.raises(AssertionError, match="SyntaxError"):
        _snippets.run(page, tmp_path)


def test_blocks_share_a_namespace_and_what_is_printed_can_be_shown(tmp_path: Path) -> None:
    page = page_of(
        tmp_path,
        block("python", "value = 6")
        + block("json", '{"a": 7}', ":caption: deep/numbers.json")
        + block(
            "python",
            "import json, pathlib\n"
            "value *= json.loads(pathlib.Path('deep/numbers.json').read_text())['a']\n"
            "print('The value is', value)",
        )
        + block("text", "The value is 42"),
    )
    assert _snippets.run(page, tmp_path).namespace["value"] == 42


def test_every_application_of_a_page_is_kept(tmp_path: Path) -> None:
    code = "from aiohttp import web\napp = web.Application()"
    page = page_of(tmp_path, block("python", code) + block("python", code))
    first, second = _snippets.run(page, tmp_path).apps
    assert first is not second


def test_an_application_is_made_where_a_page_has_only_a_function(tmp_path: Path) -> None:
    code = "from aiohttp import web\ndef make_app():\n    return web.Application()"
    run = _snippets.run(page_of(tmp_path, block("python", code)), tmp_path)
    assert run.apps == [run.application()]


def test_a_block_in_a_list_is_run_without_its_indent(tmp_path: Path) -> None:
    page = page_of(
        tmp_path, "1. Do this.\n\n   .. code-block:: python\n\n       value = 1\n\n2. Then.\n"
    )
    assert _snippets.run(page, tmp_path).namespace["value"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "As here::\n\n    import this\n",
        "::\n\n    import this\n",
        ".. code:: python\n\n    import this\n",
        ".. literalinclude:: file.py\n",
        ">>> import this\n",
    ],
    ids=["paragraph", "bare", "code", "include", "doctest"],
)
def test_code_that_is_not_run_is_found(tmp_path: Path, text: str) -> None:
    assert _snippets.strays(page_of(tmp_path, text))


def test_colons_in_code_and_directives_are_no_stray_code(tmp_path: Path) -> None:
    text = block("shell", "python -c '::'\necho ::") + ".. note::\n\n   Look: here.\n"
    assert _snippets.strays(page_of(tmp_path, text)) == []
