"""Headless Chromium and Firefox, both driven over WebDriver BiDi.

Firefox speaks BiDi itself; chromedriver speaks it for Chromium. The protocol
(https://w3c.github.io/webdriver-bidi/) is JSON over a WebSocket: a command has an `id`, its
answer carries the same one, everything else that arrives is an event.

Every wait has a limit. A browser lives in a profile of its own and dies with the process that
started it: where `setpriv` exists the kernel sees to that, however that process ends.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import aiohttp

START_SECONDS = 60.0
COMMAND_SECONDS = 60.0
STOP_SECONDS = 10.0

#: Where WebDriver puts the keys that are no characters.
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "Shift": "\ue008", "End": "\ue010"}

CHROMIUM_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # the sandbox does not run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",  # a closed pipe ends the browser; an open port would not
)

FIREFOX_PREFERENCES: Mapping[str, bool | int | str] = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.unified": False,
}


class BrowserMissingError(Exception):
    """A program that is needed to run the browser is not installed."""


class BrowserError(Exception):
    """The browser refused a command, or the script that it ran threw."""


class Bidi:
    """One WebDriver BiDi connection: commands out, answers and events in."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.events: list[tuple[str, Any]] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            answer = json.loads(message.data)
            if answer["type"] == "event":
                self.events.append((answer["method"], answer["params"]))
                continue
            waiting = self._waiting.pop(answer.get("id") or 0, None)
            if waiting is None or waiting.done():
                continue
            if answer["type"] == "success":
                waiting.set_result(answer["result"])
            else:
                waiting.set_exception(BrowserError(f"{answer['error']}: {answer['message']}"))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BrowserError("the browser closed the connection"))

    async def send(self, method: str, /, **params: object) -> Any:
        """The result of the command `method`, or BrowserError."""
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(answer, COMMAND_SECONDS)

    async def close(self) -> None:
        """End the connection; commands that still wait for an answer fail."""
        await self._socket.close()
        await self._reader


@contextlib.asynccontextmanager
async def _connected(http: aiohttp.ClientSession, address: str) -> AsyncGenerator[Bidi, None]:
    async with http.ws_connect(address, max_msg_size=0) as socket:
        bidi = Bidi(socket)
        try:
            yield bidi
        finally:
            await bidi.close()


class Browser:
    """A running browser and the one tab that tests use."""

    def __init__(self, name: str, bidi: Bidi, context: str) -> None:
        self.name = name
        self._bidi = bidi
        self._context = context

    def __repr__(self) -> str:
        return f"<Browser {self.name}>"

    async def navigate(self, url: str) -> None:
        """Open `url` and wait until its load event."""
        await self._bidi.send(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited, by way of JSON."""
        answer = await self._bidi.send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise BrowserError(answer["exceptionDetails"]["text"])
        # JSON.stringify(undefined) is undefined: that has no value here.
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    async def call(self, function: str, *arguments: object) -> Any:
        """What a JavaScript function returns for `arguments`, both by way of JSON."""
        return await self.evaluate(f"({function})(...{json.dumps(arguments)})")

    async def wait_for(self, expression: str, seconds: float = 30.0) -> Any:
        """The value of `expression` as soon as it is true."""
        end = asyncio.get_running_loop().time() + seconds
        while not (value := await self.evaluate(expression)):
            if asyncio.get_running_loop().time() > end:
                raise BrowserError(f"still false after {seconds} s: {expression}")
            await asyncio.sleep(0.05)
        return value

    async def press(self, *keys: str) -> None:
        """Press keys one after the other: names out of `KEYS`, or characters."""
        actions = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        await self._bidi.send(
            "input.performActions",
            context=self._context,
            actions=[{"type": "key", "id": "keyboard", "actions": actions}],
        )

    async def set_viewport(self, width: int, height: int) -> None:
        """Give the page `width` by `height` CSS pixels."""
        await self._bidi.send(
            "browsingContext.setViewport",
            context=self._context,
            viewport={"width": width, "height": height},
        )

    async def screenshot(self) -> bytes:
        """The whole page, as far down as it goes, as PNG."""
        answer = await self._bidi.send(
            "browsingContext.captureScreenshot", context=self._context, origin="document"
        )
        return base64.b64decode(answer["data"])

    async def delete_cookies(self) -> None:
        """Forget the cookies of all sites."""
        await self._bidi.send("storage.deleteCookies")

    async def console(self) -> list[str]:
        """What the pages have written to the console, or thrown, since the last call."""
        await self.evaluate("null")  # events come in order: after this, all earlier ones are in
        entries = [
            str(params["text"]) for name, params in self._bidi.events if name == "log.entryAdded"
        ]
        self._bidi.events.clear()
        return entries


async def _open_tab(name: str, bidi: Bidi) -> Browser:
    await bidi.send("session.subscribe", events=["log.entryAdded"])
    # The tab that Firefox opens with does not get the focus, and without it Enter on a button
    # clicks nothing. A new one gets it.
    tab = await bidi.send("browsingContext.create", type="tab")
    return Browser(name, bidi, tab["context"])


def _program(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise BrowserMissingError(f"{' or '.join(names)} is not installed")


async def _announcement(stream: asyncio.StreamReader, pattern: str) -> str:
    """The first group of `pattern` in the first line of a program's output that matches."""
    while line := await stream.readline():
        if match := re.search(pattern, line.decode(errors="replace")):
            return match[1]
    raise BrowserError(f"the browser ended before it said {pattern!r}")


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read on, since a full pipe would stop the program that writes to it."""
    while await stream.read(65536):
        pass


@contextlib.asynccontextmanager
async def _running(command: Sequence[str | Path], pattern: str) -> AsyncGenerator[str, None]:
    """Run a program; the value is what it announces when it is ready, by `pattern`."""
    watchdog = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    process = await asyncio.create_subprocess_exec(
        *watchdog,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = cast("asyncio.StreamReader", process.stdout)  # a pipe, as asked for above
    try:
        announced = await asyncio.wait_for(_announcement(output, pattern), START_SECONDS)
        draining = asyncio.create_task(_drain(output))
        try:
            yield announced
        finally:
            draining.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()


def _write_preferences(file: Path) -> None:
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in FIREFOX_PREFERENCES.items()
    )
    file.write_text("".join(lines))


@contextlib.asynccontextmanager
async def firefox() -> AsyncGenerator[Browser, None]:
    """Firefox in a fresh profile."""
    program = _program("firefox-esr", "firefox")
    with tempfile.TemporaryDirectory(prefix="cors-firefox-", ignore_cleanup_errors=True) as folder:
        _write_preferences(Path(folder, "user.js"))
        command = [program, "--headless", "--no-remote", "--profile", folder]
        command += ["--remote-debugging-port", "0"]
        async with (
            _running(command, r"BiDi listening on (ws://\S+)") as address,
            aiohttp.ClientSession() as http,
            _connected(http, f"{address}/session") as bidi,
        ):
            await bidi.send("session.new", capabilities={})
            yield await _open_tab("firefox", bidi)


@contextlib.asynccontextmanager
async def chromium() -> AsyncGenerator[Browser, None]:
    """Chromium in a fresh profile, behind chromedriver."""
    driver = _program("chromedriver")
    browser = _program("chromium", "chromium-browser", "google-chrome")
    with tempfile.TemporaryDirectory(prefix="cors-chromium-", ignore_cleanup_errors=True) as folder:
        options = {
            "binary": browser,
            "args": [*CHROMIUM_ARGUMENTS, f"--user-data-dir={folder}"],
        }
        wanted = {"webSocketUrl": True, "goog:chromeOptions": options}
        async with (
            _running([driver, "--port=0"], r"started successfully on port (\d+)") as port,
            aiohttp.ClientSession() as http,
        ):
            sessions = f"http://127.0.0.1:{port}/session"
            limit = aiohttp.ClientTimeout(total=START_SECONDS)
            body = {"capabilities": {"alwaysMatch": wanted}}
            async with http.post(sessions, json=body, timeout=limit) as response:
                answer = (await response.json())["value"]
            if "error" in answer:
                raise BrowserError(f"{answer['error']}: {answer['message']}")
            try:
                async with _connected(http, answer["capabilities"]["webSocketUrl"]) as bidi:
                    yield await _open_tab("chromium", bidi)
            finally:
                limit = aiohttp.ClientTimeout(total=STOP_SECONDS)
                async with http.delete(f"{sessions}/{answer['sessionId']}", timeout=limit):
                    pass
