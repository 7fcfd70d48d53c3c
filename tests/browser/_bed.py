"""Where the cases of the differential suite run: servers, a page in each browser, `Page`.

The API runs on one server with two ports, which are two origins, `API` and `FAR`. Two more
servers have blank pages for browsers to sit on, of the origins `PAGE` and `STRANGER`. Cases write
the origins as these constants; what they stand for is known when the servers run.

Each case has a path of its own, by which the requests that the servers saw are told apart; the
judges are told apart by their User-Agent. So the cases of one batch run all at once.
"""

from __future__ import annotations

import base64
import zlib
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from aiohttp import CookieJar, hdrs, web
from aiohttp.test_utils import TestClient, TestServer, unused_port
from yarl import URL

import aiohttp_cors
from aiohttp_cors.testing import CorsError, Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from pathlib import Path

    from aiohttp_cors import CorsConfig, ResourceOptions

    from ._drivers import Browser

PAGE, STRANGER, API, FAR = "http://page", "http://stranger", "http://api", "http://far"
NULL = "null"

Credentials: TypeAlias = Literal["omit", "same-origin", "include"]
Headers: TypeAlias = "Sequence[tuple[str, str]]"
Way: TypeAlias = Literal[
    "fetch", "upload", "image", "image-with-cookies", "plain-image", "module", "font", "websocket"
]

# What the tags for images and the like fetch with; what is not here is no business of CORS.
_CREDENTIALS: Mapping[Way, Credentials] = {
    "image": "same-origin",
    "image-with-cookies": "include",
    "module": "same-origin",
    "font": "same-origin",
}
_NO_CORS = frozenset({"plain-image", "websocket"})

# What its User-Agent has, and the name of the judge
JUDGES = {"Chrome/": "chromium", "Firefox/": "firefox", "aiohttp/": "aiohttp"}

#: One grey pixel, a script that does nothing, a font without letters
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
SCRIPT = b"export {};"
FONT = zlib.decompress(
    base64.b64decode(
        "eNpjYGRgYOBiaGBgZlDwD9Y3cvhmH8LAwKgBFE1Izk0sYOBhcAPye4B8nfScyjQGMGDcAyIyUhNTdLNPJQHZ"
        "a4DYLAMowCDIIARkPwFilYzckgoGAbD6DiDBkpOfnAjVvwPEz02sKGBgAkIGRg4gXyEvMTeVQYSlHcg/AOSL"
        "FOQXlwDdBVJ/BSTPAHIrEJ/waLgXz2/zFSgHNv251rG1yDQUMINMhlgHxGCVUBIiggwYYWZDARMDOgDaxTiB"
        "gZWBhYFEYA8EBJQowF3GBLYJ6HcgyQimWRgkwOJgF/3/D8aMaG4XAqlm4QSyQKoqIGGGGwAA9/wsqA=="
    )
)


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """One request that a page makes."""

    #: Under the case's own path
    path: str = ""
    at: str = API
    method: str = "GET"
    headers: Headers = ()
    body: str | None = None
    credentials: Credentials = "omit"
    keepalive: bool = False
    way: Way = "fetch"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request that a server saw."""

    at: str
    method: str
    path: str
    origin: str | None
    requested_method: str | None
    requested_headers: str | None
    cookie: str | None
    authorization: str | None


@dataclass(frozen=True)
class Outcome:
    """What came of a case: a text for each fetch, and what the servers saw of it."""

    results: tuple[str, ...]
    seen: tuple[Seen, ...]

    @property
    def preflights(self) -> int:
        return sum(request.requested_method is not None for request in self.seen)


@dataclass(frozen=True, kw_only=True)
class Differs:
    """How and why a browser does not do as the standard says."""

    why: str
    #: As in the case, if it is another
    expected: tuple[str, ...] | None = None
    #: None if it is at least that of the case and not always the same
    preflights: int | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A server's configuration, the requests of a page to it, and what has to come of them."""

    name: str
    build: Callable[[Place], None]
    fetches: tuple[Fetch, ...]
    #: For each fetch `blocked`, or the status and the visible headers that are not safelisted
    expected: tuple[str, ...]
    preflights: int
    page: str = PAGE
    #: By the browser's name
    differs: Mapping[str, Differs] = field(default_factory=dict[str, Differs])

    @property
    def is_for_page(self) -> bool:
        """Whether `Page` can judge it too."""
        return all(fetch.way not in _NO_CORS for fetch in self.fetches)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a case builds its routes: all of them under `path`."""

    path: str
    #: The application of `API` and `FAR`
    app: web.Application
    cors: CorsConfig
    #: The application of `PAGE`
    home: web.Application
    #: A directory with `file.txt` in it
    files: Path
    origins: Mapping[str, str]

    def real(self, text: str) -> str:
        """`text` with the origins that its constants stand for."""
        for constant, origin in self.origins.items():
            text = text.replace(constant, origin)
        return text

    def config(
        self, config: Mapping[Any, ResourceOptions | None]
    ) -> dict[Any, ResourceOptions | None]:
        return {
            self.real(key) if isinstance(key, str) else key: options
            for key, options in config.items()
        }


@dataclass(frozen=True)
class Bed:
    """The running servers, and how the judges get at them."""

    cases: Sequence[Case]
    origins: Mapping[str, str]
    _client: TestClient[web.Request, web.Application]
    _seen: Mapping[tuple[str, str], list[Seen]]

    def _url(self, case: Case, fetch: Fetch) -> str:
        return f"{self.origins[fetch.at]}/{case.name}{fetch.path}"

    def _outcome(self, judge: str, case: Case, results: Sequence[str]) -> Outcome:
        return Outcome(tuple(results), tuple(self._seen.get((judge, case.name), ())))

    async def outcomes_in(self, browser: Browser) -> dict[str, Outcome]:
        """What comes of each case in a browser, by the name of the case."""
        # Cookies know no ports: those that other tests were given would come along.
        await browser.delete_cookies()
        outcomes: dict[str, Outcome] = {}
        for page in (PAGE, STRANGER, NULL):
            cases = [case for case in self.cases if case.page == page]
            fetches = [
                [{**asdict(fetch), "url": self._url(case, fetch)} for fetch in case.fetches]
                for case in cases
            ]
            await browser.navigate(self.origins[PAGE if page == NULL else page])
            function = RUN_IN_SANDBOX if page == NULL else RUN
            for case, results in zip(cases, await browser.call(function, fetches), strict=True):
                outcomes[case.name] = self._outcome(browser.name, case, results)
        return outcomes

    async def outcomes_in_page(self) -> dict[str, Outcome]:
        """What comes of each case that is one for `Page`, by the name of the case."""
        outcomes: dict[str, Outcome] = {}
        for case in self.cases:
            if case.is_for_page:
                page = Page(self._client, self.origins.get(case.page, case.page))
                results = [await self._fetched(page, case, fetch) for fetch in case.fetches]
                outcomes[case.name] = self._outcome("aiohttp", case, results)
        return outcomes

    async def _fetched(self, page: Page, case: Case, fetch: Fetch) -> str:
        credentials = _CREDENTIALS.get(fetch.way, fetch.credentials)
        try:
            response = await page.fetch(
                self._url(case, fetch),
                fetch.method,
                headers=fetch.headers,
                body=fetch.body,
                credentials=credentials,
                upload_listeners=fetch.way == "upload",
            )
        except CorsError:
            return BLOCKED
        if fetch.way in _CREDENTIALS:
            return LOADED
        visible = sorted(name.lower() for name in response.headers)
        return "\n".join([" ".join([str(response.status), *visible]), await response.text()])


BLOCKED = "blocked"
LOADED = "loaded"

# A few cases at once, and the fetches of one case one after the other. Not all at once: browsers
# remember only so many preflights.
RUN = """async function run(cases) {
  const text = (status, names, body) => `${[status, ...names.sort()].join(" ")}\n${body}`;
  const loaded = (prepare) => new Promise((resolve) => {
    prepare(() => resolve("loaded"), () => resolve("blocked"));
  });
  const tag = (name, properties) => loaded((resolve, reject) => {
    const made = document.createElement(name);
    document.head.append(Object.assign(made, { onload: resolve, onerror: reject, ...properties }));
  });
  const ways = {
    async fetch({ url, method, headers, body, credentials, keepalive }) {
      const options = { method, headers, credentials, keepalive };
      if (body !== null) options.body = body;
      const response = await fetch(url, options);
      return text(response.status, [...response.headers.keys()], await response.text());
    },
    upload: ({ url, method, headers, body, credentials }) => new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.withCredentials = credentials === "include";
      for (const [name, value] of headers) request.setRequestHeader(name, value);
      request.upload.onprogress = () => {};
      request.onerror = reject;
      request.onload = () => {
        const lines = request.getAllResponseHeaders().trim().split("\\r\\n");
        const names = lines.map((line) => line.split(":")[0].toLowerCase());
        resolve(text(request.status, names, request.responseText));
      };
      request.send(body);
    }),
    "plain-image": ({ url }) => tag("img", { src: url }),
    image: ({ url }) => tag("img", { crossOrigin: "anonymous", src: url }),
    "image-with-cookies": ({ url }) => tag("img", { crossOrigin: "use-credentials", src: url }),
    module: ({ url }) => tag("script", { type: "module", src: url }),
    font: ({ url }) => new FontFace("tested", `url(${url})`).load().then(() => "loaded"),
    websocket: ({ url }) => loaded((resolve, reject) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => { socket.close(); resolve(); };
      socket.onerror = reject;
    }),
  };
  const results = cases.map(() => []);
  const rest = [...cases.entries()];
  const lane = async () => {
    for (let next; (next = rest.shift()); ) {
      for (const one of next[1]) {
        results[next[0]].push(await ways[one.way](one).catch(() => "blocked"));
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return results;
}"""

# A frame that may run scripts and nothing else is of an opaque origin.
RUN_IN_SANDBOX = f"""(cases) => new Promise((resolve) => {{
  const frame = document.createElement("iframe");
  const answer = async ({{ data }}) => parent.postMessage(await run(data), "*");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<head></head><script>${{run}}; onmessage = ${{answer}}</` + "script>";
  frame.onload = () => frame.contentWindow.postMessage(cases, "*");
  window.onmessage = ({{ data }}) => resolve(data);
  document.body.append(frame);
  {RUN}
}})"""


async def _blank(_: web.Request) -> web.Response:
    return web.Response(text="<!DOCTYPE html><title>page</title>", content_type="text/html")


@asynccontextmanager
async def running(cases: Sequence[Case], files: Path) -> AsyncGenerator[Bed, None]:
    """The bed with all cases built; `files` is a directory with `file.txt` in it."""
    origins = {name: f"http://127.0.0.1:{unused_port()}" for name in (PAGE, STRANGER, API, FAR)}
    names = {URL(origin).port: name for name, origin in origins.items()}
    seen: defaultdict[tuple[str, str], list[Seen]] = defaultdict(list)

    async def note(request: web.Request, _: web.StreamResponse) -> None:
        agent = request.headers.get(hdrs.USER_AGENT, "")
        judge = next((name for sign, name in JUDGES.items() if sign in agent), agent)
        case = request.path.split("/")[1]
        seen[judge, case].append(
            Seen(
                at=names[request.url.port],
                method=request.method,
                path=request.path_qs,
                origin=_named(request.headers.get(hdrs.ORIGIN)),
                requested_method=request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD),
                requested_headers=request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS),
                cookie=request.headers.get(hdrs.COOKIE),
                authorization=request.headers.get(hdrs.AUTHORIZATION),
            )
        )

    def _named(origin: str | None) -> str | None:
        return next((name for name, real in origins.items() if real == origin), origin)

    app, home, strange = web.Application(), web.Application(), web.Application()
    cors = aiohttp_cors.setup(app)
    for case in cases:
        case.build(
            Place(path=f"/{case.name}", app=app, cors=cors, home=home, files=files, origins=origins)
        )
    for page in (home, strange):
        page.router.add_get("/", _blank)
    for noted in (app, home):
        noted.on_response_prepare.append(note)

    async with AsyncExitStack() as stack:
        servers = {
            origin: TestServer(served, port=URL(origins[origin]).port)
            for origin, served in ((API, app), (PAGE, home), (STRANGER, strange))
        }
        for server in servers.values():
            await stack.enter_async_context(server)
        runner, far = servers[API].runner, URL(origins[FAR])
        assert runner is not None
        await web.TCPSite(runner, far.host, far.port).start()
        # Cookies of an IP address, as browsers keep them.
        client = TestClient(servers[API], cookie_jar=CookieJar(unsafe=True))
        await stack.enter_async_context(client)
        yield Bed(cases, origins, client, seen)
