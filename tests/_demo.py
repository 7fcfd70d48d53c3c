"""The demo as a process of its own, as somebody at a terminal starts it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp_cors

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

SECONDS = 20.0


@dataclass(frozen=True)
class Demo:
    """A running demo and the URLs that it printed."""

    process: Process
    page: str
    api: str


async def start(*arguments: str) -> Process:
    """`python -m aiohttp_cors`, whether it is installed or not."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aiohttp_cors",
        *arguments,
        cwd=Path(aiohttp_cors.__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: Process) -> tuple[int | None, str, str]:
    """The exit status of a process, and the rest of what it wrote to stdout and stderr."""
    output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def running_demo(*arguments: str) -> AsyncGenerator[Demo, None]:
    """The demo, from the moment when it has printed its URLs."""
    process = await start("demo", *arguments)
    try:
        yield Demo(process, page=await _url(process, "Page: "), api=await _url(process, "API: "))
    finally:
        if process.returncode is None:
            process.terminate()
        await finish(process)


async def _url(process: Process, label: str) -> str:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), SECONDS)).decode()
    assert line.startswith(label), line
    return line.removeprefix(label).strip()
