"""Answering preflights: from a request to the policies that govern it, to 200 or 403."""

from __future__ import annotations

import inspect
import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from aiohttp import web
from aiohttp.abc import AbstractMatchInfo
from aiohttp.hdrs import (
    ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD,
    METH_OPTIONS,
    ORIGIN,
    VARY,
)

from . import _fetch
from ._origins import Ask, Resolver
from ._policy import (
    VARY_PREFLIGHT,
    Entry,
    Layer,
    Policy,
    Refused,
    answer_preflight,
    layers_of,
    method_refused,
    origin_refused,
)

log: Final = logging.getLogger("aiohttp_cors")

# aiohttp 3.14 wants keys of a type of its own, which older ones do not have.
_ANSWERS: Final = cast("Any", getattr(web, "RequestKey", web.AppKey))("aiohttp_cors_answers", dict)


def is_preflight(request: web.Request) -> bool:
    """Whether `request` is a CORS-preflight request (Fetch, HTTP requests)."""
    return (
        request.method == METH_OPTIONS
        and ORIGIN in request.headers
        and ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )


class Target(NamedTuple):
    """What serves a request, or would serve it."""

    match: AbstractMatchInfo
    apps: tuple[web.Application, ...]
    """From the outermost application to the innermost."""
    served: bool
    """Whether the method is served; otherwise `match` is what OPTIONS leads to there."""

    @property
    def route(self) -> web.AbstractRoute | None:
        """The route, if a router that has routes found it."""
        return getattr(self.match, "route", None)


class _SentWith:
    """A request as the router would see it with another method.

    `Request.clone` is not for this: it raises once a middleware has read the body.
    """

    def __init__(self, request: web.Request, method: str) -> None:
        self._request = request
        self.method = method
        self.rel_url = request.rel_url  # what routers look at most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


async def target(request: web.Request, method: str) -> Target:
    """Ask the router what would serve `method` where `request` went."""
    root = request.match_info.apps[0]
    match = await root.router.resolve(cast("web.Request", _SentWith(request, method)))
    return Target(match, (root, *match.apps), match.http_exception is None)


async def serving_target(preflight: web.Request, method: str) -> Target:
    """What would serve `method`, and if nothing would, what `preflight` itself matched."""
    serving = await target(preflight, method)
    if serving.served:
        return serving
    # What answers the method comes through the applications that it leads to, not OPTIONS.
    return Target(preflight.match_info, serving.apps, served=False)


class Resolvers:
    """Asks the resolvers in a policy. What one answers is final for that request."""

    def __init__(self) -> None:
        self._logged: set[tuple[Resolver, type]] = set()

    async def entry(self, request: web.Request, policy: Policy, origin: str) -> Entry | None:
        """The entry of `policy` that decides on `origin`."""
        found = policy.find(origin)
        if not isinstance(found, Ask):
            return found
        answers: dict[tuple[Resolver, str], bool] = request.setdefault(_ANSWERS, {})
        said: dict[Resolver, bool] = {}
        while isinstance(found, Ask):
            asked = found.resolver, origin
            if asked not in answers:
                answers[asked] = await self._ask(*asked, request)
            said[found.resolver] = answers[asked]
            found = policy.find(origin, said)
        return found

    def entry_at_once(self, request: web.Request, policy: Policy, origin: str) -> Entry | None:
        """The same where nothing can be awaited: a resolver that waits refuses."""
        search = self.entry(request, policy, origin)
        try:
            search.send(None)
        except StopIteration as done:
            found: Entry | None = done.value
            return found
        search.close()
        log.error("a resolver for %.200r waits, but is asked where nothing can wait", origin)
        return None

    async def _ask(self, resolver: Resolver, origin: str, request: web.Request) -> bool:
        try:
            answer = resolver(request, origin)
            if inspect.isawaitable(answer):
                answer = await answer
        except Exception as error:  # whatever somebody's own code may raise
            self._log_once(resolver, type(error), error)
            return False
        if not isinstance(answer, bool):
            self._log_once(resolver, type(answer), TypeError(f"{answer!r} is not a bool"))
            return False
        return answer

    def _log_once(self, resolver: Resolver, kind: type, error: Exception) -> None:
        if (resolver, kind) not in self._logged:
            self._logged.add((resolver, kind))
            log.error("resolver %r failed; the origin is refused", resolver, exc_info=error)


class Asked(NamedTuple):
    """What a preflight asks for."""

    origin: str
    method: str
    lines: Sequence[str]
    """The values of Access-Control-Request-Headers."""


def asked_for(request: web.Request) -> Asked | Refused:
    """Read a preflight (Fetch, CORS-preflight fetch), or say why it is none."""
    headers = request.headers
    if (origin := headers.get(ORIGIN)) is None:
        return Refused("origin header is not specified in the request")
    if not (method := headers.get(ACCESS_CONTROL_REQUEST_METHOD)):
        return Refused("'Access-Control-Request-Method' header is not specified")
    if not _fetch.is_origin(origin):
        return origin_refused(origin)
    # Repeated lines are one list (RFC 9110, 5.3), which is neither an origin nor a method.
    origin = ", ".join(headers.getall(ORIGIN))
    methods = headers.getall(ACCESS_CONTROL_REQUEST_METHOD)
    if methods.count(method) != len(methods) or not _fetch.is_token(method):
        return method_refused(", ".join(methods), origin)
    return Asked(origin, method, headers.getall(ACCESS_CONTROL_REQUEST_HEADERS, ()))


class _PreflightHandler:
    """Answers preflights out of the config that a subclass finds."""

    async def _get_config(
        self, request: web.Request, origin: str, request_method: str
    ) -> Mapping[Any, Any]:
        """Find the origins that may send `request_method` where `request` went.

        :raises KeyError: nobody may.
        """
        raise NotImplementedError

    async def _preflight_handler(self, request: web.Request) -> web.StreamResponse:
        """Answer a preflight.

        :raises aiohttp.web.HTTPForbidden: it is refused; the text says why.
        """
        asked = asked_for(request)
        if isinstance(asked, Refused):
            return respond(request, asked)
        try:
            config = await self._get_config(request, asked.origin, asked.method)
        except KeyError:
            return respond(request, method_refused(asked.method, asked.origin))
        policy = Policy(layers_of(config))
        entry = await Resolvers().entry(request, policy, asked.origin)
        return respond(request, answer_preflight(policy, entry, *asked))


def respond(request: web.Request, answer: dict[str, str] | Refused) -> web.Response:
    """The response to a preflight.

    :raises aiohttp.web.HTTPForbidden: it is refused; the text says why.
    """
    if not isinstance(answer, Refused):
        return web.Response(headers=answer)
    log.debug("preflight for %.200r refused: %.500s", request.path, answer.reason)
    raise web.HTTPForbidden(
        text=f"CORS preflight request failed: {answer.reason}",
        headers={VARY: VARY_PREFLIGHT},
    )


class Governor(_PreflightHandler):
    """Governs what was added to one CorsConfig. Its hook is how others find it."""

    resolvers: Resolvers

    @abstractmethod
    async def preflight_policy(
        self, request: web.Request, origin: str, method: str, serving: Target
    ) -> Policy | None:
        """The policy for a preflight, None if what serves the method is not CORS-enabled."""

    @abstractmethod
    async def actual_policy(self, request: web.Request) -> Policy | None:
        """The policy for the answer to `request`, None if CORS is not enabled there."""

    @abstractmethod
    def written_on(self, serving: Target, method: str) -> list[tuple[object, Layer]]:
        """Every layer that may be in the policy, nearest first, with what it was written on.

        That is a route, a resource, an application, or text where it is none of these.
        """


def governor_of(callback: object) -> Governor | None:
    """Whose method `callback` is, be it a handler, a middleware or a hook."""
    owner = getattr(callback, "__self__", None)
    return owner if isinstance(owner, Governor) else None


def governors(apps: Iterable[web.Application]) -> Iterator[Governor]:
    """Those that hang on the responses of `apps`, in the order in which their hooks run."""
    return filter(None, (governor_of(hook) for app in apps for hook in app.on_response_prepare))


async def governing(
    request: web.Request, origin: str, method: str
) -> tuple[Target, list[tuple[Governor, Policy]]]:
    """What would serve `method` where the preflight `request` went, who governs it, and how."""
    serving = await serving_target(request, method)
    found: list[tuple[Governor, Policy]] = []
    for governor in governors(serving.apps):
        policy = await governor.preflight_policy(request, origin, method, serving)
        if policy is not None:
            found.append((governor, policy))
    return serving, found


async def judge(
    request: web.Request, asked: Asked, found: Iterable[tuple[Governor, Policy]]
) -> dict[str, str] | Refused:
    """The headers that grant a preflight, from the first policy that does, or why none does."""
    refused = None
    for governor, policy in found:
        entry = await governor.resolvers.entry(request, policy, asked.origin)
        answer = answer_preflight(policy, entry, *asked)
        if not isinstance(answer, Refused):
            return answer
        refused = refused or answer
    return refused or method_refused(asked.method, asked.origin)


async def answer_to(request: web.Request) -> dict[str, str] | Refused:
    """Judge a preflight by all that governs what it asks for."""
    asked = asked_for(request)
    if isinstance(asked, Refused):
        return asked
    _, found = await governing(request, asked.origin, asked.method)
    return await judge(request, asked, found)
