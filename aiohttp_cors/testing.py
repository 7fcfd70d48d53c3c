"""A page of another origin, for tests of a server.

:class:`Page` does over an aiohttp test client what the Fetch Standard
(https://fetch.spec.whatwg.org) makes a browser do for ``fetch()``: it sends a preflight when one
is needed, judges the answers, follows redirects, and gives the page what a page may see. The
server may use any CORS library or none.

Every decision is made in :mod:`aiohttp_cors._browser`; this module sends.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from . import _browser, _fetch
from ._browser import Reason, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aiohttp.test_utils import TestClient

    from ._browser import Body, Credentials, Mode
    from ._fetch import HeaderList

__all__ = ("CorsError", "Page", "Response", "SentRequest")

_During: TypeAlias = Literal["preflight", "actual"]
_T = TypeVar("_T")

_CREDENTIALS = ("omit", "same-origin", "include")
_MODES = ("cors", "same-origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request as the page sent it, or would have sent it.

    `headers` has what the standard makes the browser send, with the names in the usual writing;
    it does not have Cookie, nor what only concerns the connection, such as Host.
    """

    method: str
    url: str
    headers: Mapping[str, str]


class CorsError(Exception):
    """A browser would have refused this fetch.

    In a browser, the promise of ``fetch()`` rejects with a TypeError that does not say why.
    """

    #: Section and step of the Fetch Standard that failed, such as `CORS check, step 4`
    step: str
    #: What was found, in one line
    reason: str
    #: The header to blame, if there is one
    header: str | None
    #: Whether it happened to the preflight or to the actual request
    during: _During
    #: The request that it happened to
    request: SentRequest

    def __init__(self, reason: Reason, during: _During, request: SentRequest) -> None:
        super().__init__(reason, during, request)
        self.step = reason.step
        self.reason = reason.text
        self.header = reason.header
        self.during = during
        self.request = request

    def __str__(self) -> str:
        request = f"{self.during} request {self.request.method} {self.request.url}"
        return f"{request}: {self.reason} (Fetch, {self.step})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the page may see of an answer."""

    status: int
    #: Where the answer came from, after redirects, without the fragment
    url: str
    #: Whether there was a redirect
    redirected: bool
    #: `basic` from the page's own origin, `cors` from another
    type: Literal["basic", "cors"]
    #: The exposed headers; never Set-Cookie
    headers: CIMultiDictProxy[str]
    _body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status <= 299

    async def read(self) -> bytes:
        """The body."""
        return self._body

    async def text(self) -> str:
        """The body as text, which is always UTF-8 here (Fetch, Body, `text()`)."""
        return self._body.decode("utf-8-sig", "replace")

    async def json(self) -> Any:
        """The body as JSON.

        :raises json.JSONDecodeError: if it is none
        """
        return json.loads(await self.text())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: HeaderList
    body: bytes


class Page:
    """A page of some origin that fetches from the server behind a test client.

    What belongs to a browser and not to CORS is left out: mixed content, content security
    policies, SameSite of cookies, the HTTP cache, access to private networks. Cookies are those
    of the client's cookie jar; other defaults of the client (headers, auth) are not sent, since a
    page has none.

    :param client: the test client
    :param origin: the page's origin as a browser writes it, such as `https://app.example`, or
        `null` for a page without one (a sandboxed iframe, a `file:` URL)
    :param clock: gives the seconds by which preflights are remembered; another clock lets a test
        see one expire
    :raises ValueError: if no browser has such an origin
    """

    #: The preflights that were sent, in order
    preflights: list[SentRequest]

    def __init__(
        self,
        client: TestClient[Any, Any],
        origin: str = "https://app.example",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        serialized = _browser.serialize_origin(URL(origin))
        if origin != serialized:
            hint = "" if serialized == "null" else f"; did you mean {serialized!r}?"
            raise ValueError(f"{origin!r} is not an origin as browsers write it{hint}")
        self.preflights = []
        self._client = client
        self._origin = origin
        self._clock = clock
        self._cache = _browser.PreflightCache()

    async def fetch(
        self,
        path: str | URL,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        body: str | Body | None = None,
        credentials: Credentials = "same-origin",
        mode: Mode = "cors",
        upload_listeners: bool = False,
    ) -> Response:
        """Fetch as a page does (Fetch, `fetch()`).

        :param path: a path on the client's server, or the URL of another one
        :param method: put into upper case as far as browsers do: `put` is, `patch` is not
        :param headers: forbidden ones are dropped, as browsers do
        :param body: a `str` brings a Content-Type along as in a browser, bytes bring none; an
            asynchronous iterable of bytes is a stream
        :param credentials: `omit`, `same-origin` (to another origin the same as `omit`), or
            `include`
        :param mode: `cors` or `same-origin`
        :param upload_listeners: whether it is an XMLHttpRequest whose upload is listened to,
            which always needs a preflight
        :raises CorsError: if a browser would refuse; the server may have been asked all the same
        :raises ValueError: if `credentials` or `mode` is not one of the above
        :raises aiohttp.ClientError: if the server cannot be reached
        """
        _check_choice("credentials", credentials, _CREDENTIALS)
        _check_choice("mode", mode, _MODES)
        url = self._client.make_url("/").join(URL(path))
        request = _browser.new_request(
            url,
            origin=self._origin,
            method=method,
            headers=tuple(CIMultiDict(headers or ()).items()),
            body=body,
            credentials=credentials,
            mode=mode,
            upload_listeners=upload_listeners,
        )
        return await self._main_fetch(_passed(request, "actual", _sent(method, url, ())))

    async def _main_fetch(self, request: Request) -> Response:
        """Fetch, Main fetch and HTTP fetch, once for each redirect."""
        needs_preflight = False
        try:
            while True:
                headers = _browser.request_headers(request)
                sent = _sent(request.method, request.url, headers)
                _passed(_browser.judge_request(request), "actual", sent)
                # Main fetch, step 12
                if _browser.preflight_reasons(request):
                    needs_preflight = True
                    await self._preflight(request)
                answer = await self._send(
                    request.method,
                    request.url,
                    headers,
                    body=request.body,
                    credentials=request.sends_credentials,
                )
                _passed(_browser.judge_response(request, answer.headers), "actual", sent)
                following = _browser.redirected(request, answer.status, answer.headers)
                following = _passed(following, "actual", sent)
                if following is None:
                    return _response(request, answer)
                request = following
        except (CorsError, aiohttp.ClientError):
            # Main fetch, step 12: a network error where a preflight was called for
            if needs_preflight:
                self._cache.clear(request)
            raise

    async def _preflight(self, request: Request) -> None:
        """Fetch, CORS-preflight fetch, unless the cache has the answer."""
        if self._cache.covers(request, self._clock()):
            return
        headers = tuple(_browser.preflight_headers(request).items())
        sent = _sent("OPTIONS", request.url, headers)
        self.preflights.append(sent)
        answer = await self._send("OPTIONS", request.url, headers)
        grant = _browser.judge_preflight(request, answer.status, answer.headers)
        self._cache.store(request, _passed(grant, "preflight", sent), self._clock())

    async def _send(
        self,
        method: str,
        url: URL,
        headers: HeaderList,
        *,
        body: Body | None = None,
        credentials: bool = False,
    ) -> _Answer:
        """Fetch, HTTP-network fetch: one request over the client's connections, and its answer."""
        # A session of its own, so that neither cookies nor the client's own defaults leak.
        shared = self._client.session
        session = aiohttp.ClientSession(
            connector=shared.connector,
            connector_owner=False,
            cookie_jar=shared.cookie_jar if credentials else aiohttp.DummyCookieJar(),
            request_class=with_method(method),
        )
        # aiohttp warns of large bodies that are bytes.
        data = io.BytesIO(body) if isinstance(body, bytes) else body
        async with (
            session,
            session.request(
                method,
                url,
                headers=headers,
                data=data,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            ) as response,
        ):
            return _Answer(
                status=response.status,
                # RFC 9110, 5.5; aiohttp 3.9 leaves the blanks.
                headers=tuple(
                    (name, value.strip(" \t")) for name, value in response.headers.items()
                ),
                body=await response.read(),
            )


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{option!r} must be one of {', '.join(choices)}, got {value!r}")


def _sent(method: str, url: URL, headers: HeaderList) -> SentRequest:
    combined: dict[str, str] = {}
    for name, _ in headers:
        combined.setdefault(name, ", ".join(_fetch.header_lines(headers, name)))
    return SentRequest(method=method, url=str(url.with_fragment(None)), headers=combined)


def _passed(verdict: _T | Reason, during: _During, sent: SentRequest) -> _T:
    """`verdict`, unless it is the reason of a refusal."""
    if isinstance(verdict, Reason):
        raise CorsError(verdict, during, sent)
    return verdict


def _response(request: Request, answer: _Answer) -> Response:
    visible = _browser.readable_headers(request, answer.headers)
    return Response(
        status=answer.status,
        url=str(request.url.with_fragment(None)),
        redirected=len(request.urls) > 1,
        type="cors" if request.is_cross_origin else "basic",
        headers=CIMultiDictProxy(CIMultiDict(visible)),
        _body=answer.body,
    )


def with_method(method: str) -> type[aiohttp.ClientRequest]:
    """A request class that sends `method` as it is.

    aiohttp puts methods into upper case. Browsers do not: `patch` is another method than `PATCH`,
    and to hide that would hide a mistake.
    """

    class ExactRequest(aiohttp.ClientRequest):
        def __init__(self, _method: str, url: URL, **options: Any) -> None:
            super().__init__(_method, url, **options)
            self.method = method

    return ExactRequest
