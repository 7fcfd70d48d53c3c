"""Explain what becomes of a page's request, as a browser would go about it.

:func:`explain` asks an application, of which nothing runs; :func:`explain_url` asks a server.
What a browser decides is decided in :mod:`aiohttp_cors._browser`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from . import _browser, _fetch
from ._browser import Reason, Request
from ._diagnosis import Diagnosis, diagnose
from ._explanation import Blocked, During, Exchange, Explanation
from ._fetch import HeaderList
from ._mend import mend_entry, with_more
from ._serialize import origin_meant
from ._served import Answer, Served
from .preflight_handler import governors
from .resource_options import ResourceOptions
from .testing import with_method

__all__ = ("explain", "explain_url")

#: Headers as a caller writes them.
Headers: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]]"

# Where an application is served is not known to it. RFC 2606: no page comes from there.
_SOMEWHERE: Final = URL("http://server.invalid")

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)

#: What is read of an answer, in bytes: the reason of a refusal.
_LONGEST_TEXT: Final = 2000

_REFUSAL: Final = "CORS preflight request failed: "


class _Server(Protocol):
    """What a browser talks to."""

    async def preflight(self, request: Request) -> Answer: ...

    async def actual(self, request: Request) -> Answer: ...

    async def diagnose(self, request: Request, refusal: str, *, preflighted: bool) -> Diagnosis: ...

    async def finish(self, explanation: Explanation, request: Request) -> Explanation: ...


async def explain(
    app: web.Application,
    method: str,
    path: str,
    *,
    origin: str,
    headers: Headers = (),
    credentials: bool = False,
) -> Explanation:
    """Explain what would become of a request to `app`, of which nothing runs.

    :param path: what the request goes to, or a URL, if it matters where the server is.
    :raises ValueError: an argument is none that a browser could have.
    """
    url = _url(_SOMEWHERE, path)
    return await _explain(_Application(app), method, path, url, origin, headers, credentials)


async def explain_url(
    server: str,
    method: str,
    path: str,
    *,
    origin: str,
    headers: Headers = (),
    credentials: bool = False,
) -> Explanation:
    """Explain what becomes of a request to a running server, which is really sent.

    :param server: its URL.
    :raises ValueError: an argument is none that a browser could have.
    :raises aiohttp.ClientError: the server cannot be reached.
    """
    url = _url(URL(server), path)
    return await _explain(_Remote(), method, str(url), url, origin, headers, credentials)


def _url(server: URL, path: str) -> URL:
    url = server.join(URL(path))
    if url.scheme not in ("http", "https") or not (path.startswith("/") or "://" in path):
        raise ValueError(
            f"a path begins with a slash, and a URL with http:// or https://: {path!r}"
        )
    return url.with_fragment(None)


async def _explain(
    server: _Server,
    method: str,
    shown: str,
    url: URL,
    origin: str,
    headers: Headers,
    credentials: bool,
) -> Explanation:
    if (meant := None if "*" in origin else origin_meant(origin)) != origin:
        hint = "" if meant is None else f"; did you mean {meant!r}?"
        raise ValueError(f"{origin!r} is not an origin as browsers write it{hint}")
    given = tuple(CIMultiDict(headers).items())
    request = _browser.new_request(
        url,
        origin=origin,
        method=method,
        headers=given,
        credentials="include" if credentials else "omit",
    )
    if isinstance(request, Reason):
        return Explanation(
            method=method,
            url=shown,
            origin=origin,
            credentials=credentials,
            headers=given,
            cross_origin=_browser.serialize_origin(url) != origin,
            blocked=Blocked(during="request", step=request.step, text=request.text),
        )
    explanation = Explanation(
        method=request.method,
        url=shown,
        origin=origin,
        credentials=credentials,
        headers=request.headers,
        cross_origin=request.is_cross_origin,
        notes=tuple(_notes(given, request)),
    )
    return await _follow(server, explanation, request)


def _notes(given: HeaderList, request: Request) -> Iterable[str]:
    kept = {name.lower() for name, _ in request.headers}
    dropped = sorted({name for name, _ in given if name.lower() not in kept})
    if dropped:
        yield f"browsers let no page set {', '.join(dropped)}; it is left out"


async def _follow(server: _Server, explanation: Explanation, request: Request) -> Explanation:
    """Fetch, Main fetch and HTTP fetch, once for each redirect."""
    shown = explanation.url
    while True:
        reasons = tuple(reason.text for reason in _browser.preflight_reasons(request))
        explanation = replace(explanation, because=explanation.because + reasons)
        if reasons:
            answer = await server.preflight(request)
            verdict = _browser.judge_preflight(request, answer.status or 200, answer.headers)
            explanation = _with(explanation, "preflight", shown, request, answer)
            if isinstance(verdict, Reason):
                return await _blocked(server, explanation, request, verdict, "preflight")
        answer = await server.actual(request)
        explanation = _with(explanation, "actual", shown, request, answer)
        refusal = _browser.judge_response(request, answer.headers)
        if refusal is not None:
            return await _blocked(server, explanation, request, refusal, "actual")
        following = _browser.redirected(request, answer.status or 200, answer.headers)
        if isinstance(following, Reason):
            blocked = Blocked(during="actual", step=following.step, text=following.text)
            return replace(explanation, blocked=blocked)
        if following is None:
            break
        request, shown = following, str(following.url)
    visible = {name for name, _ in _browser.readable_headers(request, answer.headers)}
    hidden = {name for name, _ in answer.headers} - visible
    explanation = replace(
        explanation,
        cross_origin=request.is_cross_origin,
        readable_headers=tuple(sorted(visible)),
        hidden_headers=tuple(sorted(hidden)),
    )
    return await server.finish(explanation, request)


def _with(
    explanation: Explanation, kind: During, shown: str, request: Request, answer: Answer
) -> Explanation:
    """The explanation with one more exchange."""
    preflight = kind == "preflight"
    headers = (
        tuple(_browser.preflight_headers(request).items())
        if preflight
        else _browser.request_headers(request)
    )
    exchange = Exchange(
        kind="preflight" if preflight else "actual",
        method="OPTIONS" if preflight else request.method,
        url=shown,
        request_headers=headers,
        status=answer.status,
        response_headers=tuple(
            (name, value)
            for name, value in answer.headers
            if name.lower() in ("location", "vary") or name.lower().startswith("access-control-")
        ),
        text=answer.text if answer.text.startswith(_REFUSAL) else "",
    )
    return replace(explanation, exchanges=(*explanation.exchanges, exchange))


async def _blocked(
    server: _Server,
    explanation: Explanation,
    request: Request,
    reason: Reason,
    during: During,
) -> Explanation:
    said = explanation.exchanges[-1].text.removeprefix(_REFUSAL)
    preflighted = bool(_browser.preflight_reasons(request))
    found = await server.diagnose(request, said, preflighted=preflighted)
    return await server.finish(
        replace(
            explanation,
            blocked=Blocked(
                during=during,
                step=reason.step,
                text=reason.text,
                reason=found.reason or said,
                layer=found.layer or None,
                nearest=found.nearest,
                mend=found.mend,
            ),
        ),
        request,
    )


class _Application(Served):
    """An application in the program."""

    async def diagnose(self, request: Request, refusal: str, *, preflighted: bool) -> Diagnosis:
        """Why the request is refused."""
        return await diagnose(self, request, preflighted=preflighted)

    async def finish(self, explanation: Explanation, request: Request) -> Explanation:
        """The explanation, with what can be told of a handler that is not run."""
        notes = explanation.notes
        if explanation.because and (names := await self.middlewares_before(request)):
            notes += (
                f"the preflight passes {', '.join(names)} first, which is not run here; if that "
                "refuses requests without credentials, use "
                "aiohttp_cors.setup(app, intercept_preflights=True)",
            )
        own = [one for one in explanation.exchanges if one.kind == "preflight"]
        if own and own[-1].status is None:
            notes += (
                "a handler of the application's own answers OPTIONS; if it knows of CORS, ask the "
                "running server by its URL",
            )
        if not explanation.readable:
            return replace(explanation, notes=notes)
        exposed = await self._exposed(explanation, request)
        return replace(explanation, readable_headers=exposed, hidden_headers=None, notes=notes)

    async def _exposed(self, explanation: Explanation, request: Request) -> tuple[str, ...]:
        """The headers that a page sees if the response has them."""
        if not explanation.cross_origin:
            return ("*",)
        received = await self.received(request)
        entries = [
            await governor.resolvers.entry(received, policy, request.serialized_origin)
            for governor in governors(received.match_info.apps)
            if (policy := await governor.actual_policy(received)) is not None
        ]
        granted = (entry.options for entry in entries if entry is not None)
        # Of several that grant it, the headers of the first stand.
        exposed = next(options for options in granted if options is not None).expose_headers
        if not isinstance(exposed, frozenset):
            return ("*",)
        safelisted = {name.title() for name in _fetch.SAFELISTED_RESPONSE_HEADERS}
        return tuple(sorted(safelisted | exposed))


class _Remote:
    """A server that is asked over the network."""

    async def preflight(self, request: Request) -> Answer:
        """The answer to the preflight of `request`."""
        headers = tuple(_browser.preflight_headers(request).items())
        return await self._send("OPTIONS", request.url, headers)

    async def actual(self, request: Request) -> Answer:
        """The answer to `request` itself."""
        return await self._send(request.method, request.url, _browser.request_headers(request))

    async def _send(self, method: str, url: URL, headers: HeaderList) -> Answer:
        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_TIMEOUT,
                request_class=with_method(method),
            ) as session,
            session.request(
                method,
                url,
                headers=CIMultiDict(headers),
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            ) as response,
        ):
            text = await response.content.read(_LONGEST_TEXT)
            # aiohttp 3.9 keeps the blanks around values.
            found = tuple((name, value.strip(" \t")) for name, value in response.headers.items())
            return Answer(response.status, found, text.decode(errors="replace"))

    async def diagnose(self, request: Request, refusal: str, *, preflighted: bool) -> Diagnosis:
        """What can be told from outside."""
        names = [name for name, _ in request.headers]
        unsafe = _fetch.unsafe_request_header_names(request.headers)
        options = with_more(
            ResourceOptions(),
            headers=[name for name in names if name.lower() in unsafe],
            credentials=request.includes_credentials,
        )
        text = f"the config is not seen from here; for {request.method} it needs an entry like:"
        return Diagnosis("", (), mend_entry(text, request.serialized_origin, options))

    async def finish(self, explanation: Explanation, request: Request) -> Explanation:
        """The explanation, to which nothing has to be added."""
        return explanation
