"""`python -m aiohttp_cors explain` and `audit` as commands: targets, exit statuses, output."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import unused_port

import aiohttp_cors
from aiohttp_cors import ResourceOptions
from aiohttp_cors._cli import main

from ._demo import finish, running_demo, start
from ._support import ORIGIN, OTHER, hello

if TYPE_CHECKING:
    from pytest_aiohttp import AiohttpServer

SHOP = f"""
from aiohttp import web
import aiohttp_cors
from aiohttp_cors import ResourceOptions


async def news(request):
    return web.Response()


def init():
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={{"*": ResourceOptions(allow_credentials=True)}})
    cors.add(app.router.add_get("/news", news))
    options = ResourceOptions(allow_headers=["X-Token"], expose_headers=["Set-Cookie", "X-Total"])
    cors.add(app.router.add_put("/notes", news), {{"{ORIGIN}": options}})
    app.router.add_post("/closed", news)
    return app


def init_with_arguments(argv):
    assert argv == []
    return init()


async def init_later():
    return init()


async def init_later_with_arguments(argv, port=8080):
    return init_with_arguments(argv)


class Shop:
    app = init()


def broken():
    raise LookupError("no database\\nat all")


def leaving():
    raise SystemExit(3)


number = 7
app = init()
"""

REMARKED = f"""
from aiohttp import web
import aiohttp_cors
from aiohttp_cors import ResourceOptions

app = web.Application()
aiohttp_cors.setup(app, defaults={{"{ORIGIN}": ResourceOptions(allow_headers=["Origin"])}})
"""

# The package is found from any directory, whether it is installed or not.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(aiohttp_cors.__file__).parents[1])}

ASK = ("--origin", ORIGIN)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shop")
    (made / "shop.py").write_text(SHOP)
    (made / "remarked.py").write_text(REMARKED)
    (made / "unwritten.py").write_text("def app(:\n")
    return made


@pytest.fixture
def here(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory, which the command is started in."""
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for module in ("shop", "remarked", "unwritten"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return directory


class Terminal:
    """What a command prints to a terminal of 80 columns."""

    def __init__(self, directory: Path, *command: str, **environment: str) -> None:
        inherited = {name: value for name, value in ENVIRONMENT.items() if name != "NO_COLOR"}
        controller, terminal = pty.openpty()
        with subprocess.Popen(
            [sys.executable, *command],
            cwd=directory,
            env={**inherited, "TERM": "xterm", "COLUMNS": "80", **environment},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
        ) as process:
            os.close(terminal)
            written: list[bytes] = []
            while data := _read(controller):
                written.append(data)
        os.close(controller)
        self.status = process.returncode
        self.raw = b"".join(written).decode()

    @property
    def has_colours(self) -> bool:
        return "\x1b[" in self.raw

    @property
    def lines(self) -> list[str]:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.raw).splitlines()


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:  # the last who wrote to it is gone
        return b""


# --- targets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "app",
        "init",
        "init_with_arguments",
        "init_later",
        "init_later_with_arguments",
        "Shop.app",
    ],
)
def test_a_target_is_an_application_or_what_makes_one(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", f"shop:{name}", "GET", "/news", *ASK]) == 0
    explained = capsys.readouterr().out
    assert explained.startswith(f"GET /news from a page of {ORIGIN}\n")
    assert main(["audit", f"shop:{name}"]) == 0
    assert capsys.readouterr().out.startswith("/news\n  *: GET, HEAD\n")


@pytest.mark.parametrize("command", ["explain", "audit"])
@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("shop", "'shop' is not module:app, module:function or a URL"),
        (":app", "':app' is not module:app, module:function or a URL"),
        (".shop:app", "'.shop:app': relative module names are not supported"),
        ("nowhere:app", "cannot import 'nowhere:app': ModuleNotFoundError: "),
        ("shop:nothing", "cannot import 'shop:nothing': AttributeError: "),
        ("shop:broken", "cannot import 'shop:broken': LookupError: no database at all"),
        ("shop:leaving", "cannot import 'shop:leaving': SystemExit: 3"),
        ("unwritten:app", "cannot import 'unwritten:app': SyntaxError: "),
        ("shop:number", "'shop:number' is no aiohttp.web.Application, but int"),
    ],
)
def test_a_target_that_is_none_is_one_line_and_status_2(
    command: str, target: str, error: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["GET", "/", *ASK] if command == "explain" else []
    assert main([command, target, *more]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"{command}: {error}")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["explain", "shop:app", "GET"], "required: PATH, --origin"),
        (["explain", "shop:app", "GET", "/"], "required: --origin"),
        (["explain", "shop:app", "GET", "/", *ASK, "--nonsense"], "--nonsense"),
        (["audit"], "required: TARGET"),
        (["audit", "shop:app", "--fail-on", "CORS999,some"], "'CORS999', 'some': the codes are"),
    ],
)
def test_a_usage_error_is_one_line_and_status_2(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("usage: python -m aiohttp_cors")
    assert error in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["GET", "/", "--origin", f"{ORIGIN}/"], f"did you mean '{ORIGIN}'?"),
        (["GET", "news", *ASK], "a path begins with a slash"),
    ],
)
def test_what_no_browser_has_is_one_line_and_status_2(
    arguments: list[str], error: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "shop:app", *arguments]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("explain: ")
    assert error in errors
    assert errors.count("\n") == 1


def test_a_running_server_is_no_target_of_an_audit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "http://127.0.0.1:8080/"]) == 2
    assert capsys.readouterr().err == (
        "audit: 'http://127.0.0.1:8080/' does not tell its config; name its module:app\n"
    )


@pytest.mark.parametrize("command", ["explain", "audit"])
def test_the_help_of_a_command_fits_80_columns_and_tells_the_exit_statuses(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    output = capsys.readouterr().out
    assert "\nexit status: 0" in output
    assert max(map(len, output.splitlines())) <= 80


# --- explain ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("GET /news --credentials", 0),
        ("put /notes", 0),
        ("PUT /notes --header X-Token", 0),
        ("PUT /notes --header X-Token:1 --header Accept:*/*", 0),
        ("PUT /notes --header X-Token --header X-Other", 1),
        ("PUT /notes --credentials", 1),
        ("DELETE /notes", 1),
        ("POST /closed", 1),
        ("TRACE /news", 1),
    ],
)
def test_the_status_tells_whether_the_page_can_read_the_answer(
    arguments: str, status: int, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["explain", "shop:app", *arguments.split(), *ASK]
    assert main(command) == status
    assert ("\nReadable" in capsys.readouterr().out) is (status == 0)
    assert main([*command, "--json"]) == status
    assert json.loads(capsys.readouterr().out)["readable"] is (status == 0)


def test_a_header_has_a_name_and_perhaps_a_value(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--header", "X-Token: a:b ", "--header", "X-Empty"]
    assert main(["explain", "shop:app", "PUT", "/notes", *ASK, *given, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    assert told["request"]["headers"] == [["X-Token", "a:b"], ["X-Empty", ""]]


async def test_a_url_is_asked_with_real_requests(aiohttp_server: AiohttpServer) -> None:
    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_put("/notes", hello), {ORIGIN: ResourceOptions()})
    url = str((await aiohttp_server(app)).make_url("/"))
    status, output, errors = await finish(await start("explain", url, "PUT", "/notes", *ASK))
    assert (status, errors) == (0, "")
    assert output.startswith(f"PUT {url}notes from a page of {ORIGIN}\n")
    refused = await start("explain", url, "PUT", "/notes", "--origin", OTHER, "--json")
    status, output, errors = await finish(refused)
    assert (status, errors) == (1, "")
    blocked = json.loads(output)["blocked"]
    assert blocked["reason"] == f"origin '{OTHER}' is not allowed"
    assert blocked["mend"]["python"] == f'"{OTHER}": ResourceOptions(),'


def test_a_url_where_nobody_listens_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    assert main(["explain", url, "GET", "/", *ASK]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"explain: cannot ask {url}: ")
    assert errors.count("\n") == 1


async def test_a_url_that_hangs_up_is_one_line_and_status_2() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = await start("explain", f"http://127.0.0.1:{port}", "GET", "/", *ASK)
        status, output, errors = await finish(process)
    assert (status, output) == (2, "")
    assert re.fullmatch(rf"explain: cannot ask http://127\.0\.0\.1:{port}: .+\n", errors)


# --- audit ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "options", "status"),
    [
        ("shop:app", [], 0),
        ("shop:app", ["--fail-on", "CORS010"], 1),
        ("shop:app", ["--fail-on", "CORS001, CORS023"], 1),
        ("shop:app", ["--fail-on", "CORS001,CORS002"], 0),
        ("shop:app", ["--fail-on", "any"], 1),
        ("remarked:app", ["--fail-on", "any"], 0),
        ("remarked:app", ["--fail-on", "any,CORS022"], 1),
    ],
)
def test_findings_set_the_status_if_they_are_asked_to(
    target: str,
    options: list[str],
    status: int,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit", target, *options]) == status
    text = capsys.readouterr().out
    assert text.count("\n  CORS0") == (2 if target == "shop:app" else 1)
    assert main(["audit", target, *options, "--json"]) == status
    assert json.loads(capsys.readouterr().out)["version"] == 1


def test_a_config_that_is_ill_formed_is_one_line_and_status_2(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "views.py").write_text(
        "from aiohttp import web\n"
        "import aiohttp_cors\n"
        "class Notes(web.View, aiohttp_cors.CorsViewMixin):\n"
        "    async def get(self): ...\n"
        "app = web.Application()\n"
        "aiohttp_cors.setup(app).add(app.router.add_view('/', Notes))\n"
        "Notes.cors_config = {'*': {'max_age': 'soon'}}\n"
    )
    assert main(["audit", "views:app"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(r"audit: .*max_age.*\n", errors)


def test_a_ci_job_can_compare_what_is_printed(directory: Path) -> None:
    def printed(seed: str) -> bytes:
        process = subprocess.run(
            [sys.executable, "-m", "aiohttp_cors", "audit", "shop:app", "--json"],
            cwd=directory,
            env={**ENVIRONMENT, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        # What is unwise is in the output, and not in a log beside it.
        assert process.stderr == b""
        return process.stdout

    first = printed("1")
    assert printed("2") == first
    assert [grant["path"] for grant in json.loads(first)["grants"]] == ["/news", "/notes", "/notes"]


# --- demo -------------------------------------------------------------------------------------


async def test_the_demo_explains_what_its_page_asks_for() -> None:
    asked = {"method": "PUT", "path": "/notes", "headers": [["X-A", "1"]], "credentials": False}
    async with running_demo() as demo, ClientSession() as http:
        async with http.post(f"{demo.page}explanation", json=asked) as response:
            said = await response.json()
        assert said["readable"] is False
        assert said["text"].startswith(f"PUT {demo.api}notes from a page of {demo.page[:-1]}\n")
        assert "\n  Server:  headers are not allowed: X-A\n" in said["text"]
        readable = {**asked, "headers": []}
        async with http.post(f"{demo.page}explanation", json=readable) as response:
            assert (await response.json())["readable"] is True


@pytest.mark.parametrize("asked", [b"?", b"{}", b"[]", b'{"method": 1, "path": null}'])
async def test_the_demo_does_not_explain_what_is_no_request(asked: bytes) -> None:
    async with (
        running_demo() as demo,
        ClientSession() as http,
        http.post(f"{demo.page}explanation", data=asked) as response,
    ):
        assert response.status == 400
        assert (await response.text()).startswith("There is no such request: ")


# --- terminals --------------------------------------------------------------------------------

COMMAND = ("-m", "aiohttp_cors")
WITHOUT_RICH = (
    "-c",
    "import sys\n"
    "sys.modules['rich'] = sys.modules['rich.console'] = None\n"
    "from aiohttp_cors._cli import main\n"
    "sys.exit(main(sys.argv[1:]))\n",
)
COMMANDS = {
    "explain": ("explain", "shop:app", "PUT", "/:smile:/[red]", *ASK),
    "audit": ("audit", "shop:app"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_has_colours_and_80_columns(command: str, directory: Path) -> None:
    terminal = Terminal(directory, *COMMAND, *COMMANDS[command])
    assert terminal.has_colours
    assert max(map(len, terminal.lines)) <= 80


def test_a_terminal_shows_an_audit_in_tables(directory: Path) -> None:
    terminal = Terminal(directory, *COMMAND, *COMMANDS["audit"])
    assert terminal.status == 0
    [row] = [line for line in terminal.lines if re.search(r"\bX-TOKEN\b", line)]
    assert [cell.strip() for cell in row.split("│")][1:3] == [ORIGIN, "PUT"]
    assert "Without CORS" in terminal.lines
    assert "  /closed: POST" in terminal.lines


def test_what_is_shown_is_not_taken_for_markup(directory: Path) -> None:
    terminal = Terminal(directory, *COMMAND, *COMMANDS["explain"])
    assert terminal.status == 1
    assert terminal.lines[0] == f"PUT /:smile:/[red] from a page of {ORIGIN}"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("program", "environment"),
    [
        pytest.param(COMMAND, {"NO_COLOR": "1"}, id="NO_COLOR"),
        pytest.param(COMMAND, {"TERM": "dumb"}, id="dumb"),
        pytest.param(WITHOUT_RICH, {}, id="without rich"),
    ],
)
def test_where_colours_are_not_wanted_or_not_to_be_had_it_is_plain_text(
    command: str,
    program: tuple[str, ...],
    environment: dict[str, str],
    directory: Path,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal(directory, *program, *COMMANDS[command], **environment)
    assert main(COMMANDS[command]) == terminal.status
    piped = capsys.readouterr().out
    assert not terminal.has_colours
    assert terminal.raw.replace("\r\n", "\n") == piped
    assert max(map(len, piped.splitlines())) <= 80


# --- what is imported -------------------------------------------------------------------------


def test_importing_the_package_imports_nothing_of_this() -> None:
    modules = subprocess.run(
        [sys.executable, "-c", "import sys, aiohttp_cors; print(*sorted(sys.modules))"],
        cwd=Path(aiohttp_cors.__file__).parents[1],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()
    assert "aiohttp_cors.cors_config" in modules
    unwanted = re.compile(
        r"rich|aiohttp\.test_utils"
        r"|aiohttp_cors\._(cli|audit|browser|code|diagnosis|explain|explanation|mend|near|served|text)"
    )
    assert [name for name in modules if unwanted.match(name)] == []
