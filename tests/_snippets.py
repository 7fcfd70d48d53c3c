"""Runs the code blocks of a page of the documentation, in order, as a reader would.

What is done with a block follows from its language:

``python``
    executed; all blocks of a page share one namespace. A block that defines tests is given to
    pytest.
``shell``, ``console``
    parsed by bash. The commands of this package are run, in a directory of the page's own.
    In ``console``, a command follows ``$``, and what is below it has to be what it prints.
``text``
    each line has to be in what the page printed or logged before.
``json``, ``toml``, ``html``, ``http``
    parsed.
``javascript``, ``nginx``
    parsed by node and by nginx, where they are installed; the page says nothing of how to run
    them.

A block with a ``:caption:`` is also written to the file of that name in the page's directory.
"""

from __future__ import annotations

import asyncio
import contextlib
import html.parser
import importlib
import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

tomllib: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

#: What ends by itself and belongs to this package.
_OWN_COMMAND = re.compile(r"python -m aiohttp_cors (?!demo\b)\S.*")

_DIRECTIVE = re.compile(r"(?P<indent> *)\.\. code-block:: *(?P<language>\S+) *")
_OPTION = re.compile(r" *:(?P<name>[a-z-]+):(?: +(?P<value>.*))?")

#: What RST has for code besides the directive that is looked for here.
_STRAY = re.compile(
    r" *\.\. (?:code|sourcecode|literalinclude|parsed-literal|doctest|testcode)::.*"
    r"| *>>> .*|(?! *\.\. ).*::\s*"
)


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: Path
    line: int
    """Of its first line of code, from 1."""
    language: str
    options: dict[str, str]
    code: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


@dataclass
class PageRun:
    """What has come of running a page."""

    directory: Path
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    apps: list[web.Application] = field(default_factory=list[web.Application])
    """Every application that was called `app`, as long as it was."""
    transcript: str = ""

    def application(self) -> web.Application:
        """The application that the page ends with."""
        return self.apps[-1]


def pages() -> list[Path]:
    """README.rst and every page of the documentation."""
    found = (page for page in DOCS.rglob("*.rst") if "_build" not in page.parts)
    return [ROOT / "README.rst", *sorted(found)]


def name_of(page: Path) -> str:
    """A page as tests name it."""
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name


def blocks(page: Path) -> Iterator[Block]:
    """The code blocks of a page, in order."""
    lines = page.read_text("utf-8").splitlines()
    number = 0
    while number < len(lines):
        match = _DIRECTIVE.fullmatch(lines[number])
        number += 1
        if match is None:
            continue
        options: dict[str, str] = {}
        while number < len(lines) and (option := _OPTION.fullmatch(lines[number])):
            options[option["name"]] = option["value"] or ""
            number += 1
        while number < len(lines) and not lines[number].strip():
            number += 1
        start, inside = number, f"{match['indent']} "
        while number < len(lines) and (
            not lines[number].strip() or lines[number].startswith(inside)
        ):
            number += 1
        code = textwrap.dedent("\n".join(lines[start:number])).rstrip() + "\n"
        yield Block(page, start + 1, match["language"], options, code)


def strays(page: Path) -> list[str]:
    """Lines of a page that show code in a way that is not run."""
    shown = {
        number
        for block in blocks(page)
        for number in range(block.line, block.line + block.code.count("\n"))
    }
    return [
        f"{name_of(page)}:{number}: {line}"
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1)
        if number not in shown and _STRAY.fullmatch(line)
    ]


def run(page: Path, directory: Path, replacing: dict[str, str] | None = None) -> PageRun:
    """Run the blocks of a page in `directory`, which is the current one meanwhile.

    :param replacing: text that a test has to change: what the page has to name and a test cannot
        have, such as a port.
    """
    running = PageRun(directory)
    with _in_directory(directory):
        for block in blocks(page):
            code = block.code
            for old, new in (replacing or {}).items():
                code = code.replace(old, new)
            if caption := block.options.get("caption"):
                target = directory / caption
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(code, "utf-8")
            try:
                _RUNNERS[block.language](running, block, code)
            except Exception as error:
                raise AssertionError(f"{block}: {error}") from error
    make: Any = running.namespace.get("make_app")
    if "app" not in running.namespace and make is not None:
        running.apps.append(make())
    return running


async def listening(port: int) -> None:
    """Wait until a server that was started accepts connections."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


@contextlib.contextmanager
def _in_directory(directory: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def _require(holds: object, otherwise: str) -> None:
    # Not an assert: pytest sees to those of test modules alone when Python drops them (-O).
    if not holds:
        raise AssertionError(otherwise)


def _run_python(running: PageRun, block: Block, code: str) -> None:
    if re.search(r"^(?:async )?def test_", code, re.MULTILINE):
        _run_pytest(running, code)
        return
    # Empty lines in front, so that a traceback has the line numbers of the page.
    source = "\n" * (block.line - 1) + code
    output, log = io.StringIO(), logging.StreamHandler(logged := io.StringIO())
    logger = logging.getLogger("aiohttp_cors")
    logger.addHandler(log)
    try:
        with contextlib.redirect_stdout(output):
            exec(compile(source, name_of(block.page), "exec", dont_inherit=True), running.namespace)
    finally:
        logger.removeHandler(log)
        running.transcript += output.getvalue() + logged.getvalue()
    app = running.namespace.get("app")
    if isinstance(app, web.Application) and app not in running.apps:
        running.apps.append(app)


def _run_pytest(running: PageRun, code: str) -> None:
    (running.directory / "test_page.py").write_text(code, "utf-8")
    plugins = ("pytest_asyncio.plugin", "pytest_aiohttp.plugin", "aiohttp_cors._pytest_plugin")
    options = " ".join(f"-p {plugin}" for plugin in plugins)
    _command(running, f"python -m pytest {options} -o asyncio_mode=auto -q test_page.py")


def _run_shell(running: PageRun, block: Block, code: str) -> None:
    _check_syntax(code)
    for line in code.replace("\\\n", "").splitlines():
        if _OWN_COMMAND.fullmatch(line):
            _own_command(running, line)


def _run_console(running: PageRun, block: Block, code: str) -> None:
    for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        # A command goes on behind a backslash at the end of a line.
        lines = re.split(r"(?<!\\)\n", part, maxsplit=1)
        command, expected = lines[0].replace("\\\n", "").strip(), lines[-1]
        _check_syntax(command)
        if _OWN_COMMAND.fullmatch(command):
            printed = _own_command(running, command)
            _require(printed.strip() == expected.strip(), f"{command} printed:\n{printed}")


def _own_command(running: PageRun, line: str) -> str:
    # 1 is an answer, too: that a page is refused, or that there are findings.
    printed = _command(running, line, statuses=(0, 1))
    _require("Traceback" not in printed, printed)
    return printed


def _check_syntax(code: str) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=code, capture_output=True, text=True, timeout=60, check=False
    )
    _require(done.returncode == 0, done.stderr)


def _command(running: PageRun, line: str, statuses: tuple[int, ...] = (0,)) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", line.replace("python ", f"{sys.executable} ", 1)],
        cwd=running.directory,
        env=os.environ
        | {"PATH": path, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    running.transcript += done.stdout
    _require(done.returncode in statuses, f"{line} exited with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _run_text(running: PageRun, block: Block, code: str) -> None:
    for line in filter(None, map(str.strip, code.splitlines())):
        _require(
            line in running.transcript, f"{line!r} was not printed, but:\n{running.transcript}"
        )


def _run_json(running: PageRun, block: Block, code: str) -> None:
    json.loads(code)


def _run_toml(running: PageRun, block: Block, code: str) -> None:
    tomllib.loads(code)


class _Balanced(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        _require(self.open.pop() == tag, f"</{tag}> closes something else")


def _run_html(running: PageRun, block: Block, code: str) -> None:
    parser = _Balanced()
    parser.feed(code)
    parser.close()
    _require(not parser.open, f"not closed: {parser.open}")


def _run_http(running: PageRun, block: Block, code: str) -> None:
    for message in code.strip().split("\n\n"):
        start, *headers = message.splitlines()
        _require(re.fullmatch(r"(?:[A-Z]+ \S+ HTTP/1\.1|HTTP/1\.1 \d{3} .+)", start), start)
        for header in headers:
            _require(re.fullmatch(r"[A-Za-z-]+: \S.*", header), header)


def _run_javascript(running: PageRun, block: Block, code: str) -> None:
    if (node := shutil.which("node")) is None:
        return
    script = running.directory / "script.mjs"
    script.write_text(code, "utf-8")
    done = subprocess.run(
        [node, "--check", script], capture_output=True, text=True, timeout=60, check=False
    )
    _require(done.returncode == 0, done.stderr)


def _run_nginx(running: PageRun, block: Block, code: str) -> None:
    # Started for real by the test of the page; here it is a block like those of a file.
    _require(block.options.get("caption"), "name the file with :caption:")


_RUNNERS: dict[str, Callable[[PageRun, Block, str], None]] = {
    "console": _run_console,
    "html": _run_html,
    "http": _run_http,
    "javascript": _run_javascript,
    "json": _run_json,
    "nginx": _run_nginx,
    "python": _run_python,
    "shell": _run_shell,
    "text": _run_text,
    "toml": _run_toml,
}
