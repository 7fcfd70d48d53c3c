"""The tutorial, followed step by step with a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from .. import _snippets

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from ._drivers import Browser

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = "document.querySelector('#answer').textContent"


def _steps(directory: Path, ports: dict[str, str]) -> Iterator[str]:
    """Write the files of the tutorial one after the other, as a reader saves them."""
    for block in _snippets.blocks(_snippets.DOCS / "tutorial.rst"):
        if name := block.options.get("caption"):
            code = block.code
            for written, free in ports.items():
                code = code.replace(written, free)
            (directory / name).write_text(code)
            yield name


@contextlib.asynccontextmanager
async def _running(directory: Path, program: str, port: str) -> AsyncGenerator[None, None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(_snippets.ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await _snippets.listening(int(port))
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_the_tutorial_shows_what_it_says(chromium: Browser, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        page, api = (str(free.getsockname()[1]) for free in (one, two))
    steps = _steps(tmp_path, {"8080": page, "8081": api})

    async def shown() -> str:
        await chromium.navigate(f"http://127.0.0.1:{page}/")
        return str(await chromium.wait_for(f"{ANSWER} !== 'nothing yet' && {ANSWER}"))

    assert [next(steps) for _ in range(3)] == ["api.py", "page.html", "page.py"]
    async with _running(tmp_path, "page.py", page):
        async with _running(tmp_path, "api.py", api):
            assert await shown() == "No answer. TypeError: Failed to fetch"
        assert next(steps) == "api.py"
        async with _running(tmp_path, "api.py", api):
            assert await shown() == "Hello, page."
            assert next(steps) == "page.html"
            assert await shown() == "No answer. TypeError: Failed to fetch"
        assert next(steps) == "api.py"
        async with _running(tmp_path, "api.py", api):
            assert await shown() == "Hello, Ada."
    # The harness for all pages runs the last file, which is a test.
    assert list(steps) == ["test_api.py"]
