"""List what the pages of other origins may do with an application, and what is unwise about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request

from ._fetch import FORBIDDEN_METHODS, SAFELISTED_METHODS
from ._findings import Finding, findings, key_text
from ._origins import OriginKey, is_wildcard
from ._policy import Layer, Policy
from ._text import Line, joined, wrapped
from .cors_config import adapter_of, place_of
from .mixin import has_method, mixin_view, overrides_config
from .preflight_handler import Governor, Target, governor_of, governors
from .resource_options import Names, ResourceOptions
from .urldispatcher_router_adapter import ResourcesUrlDispatcherRouterAdapter, dispatches

__all__ = ("Audit", "Grant", "Undecided", "Unshared", "audit")

#: Of the dictionaries that `to_dict` makes. It grows when something is taken out or changed.
VERSION: Final = 1

#: ``unmatched`` is what no route serves: 404 and 405.
Serves: TypeAlias = Literal["route", "static", "unmatched"]

#: What a page can send. A route that serves all of them serves any other, too.
_EVERY: Final = frozenset(hdrs.METH_ALL) - FORBIDDEN_METHODS

Kind: TypeAlias = Literal["exact", "any", "wildcard", "expression", "callable"]


def _heading(serves: Serves, path: str) -> str:
    return f"{path} (what no route serves)" if serves == "unmatched" else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the pages of an origin may do with a path.

    :param serves: what is at the path; ``unmatched`` is what no route serves under it.
    :param path: as the router has it.
    :param origin: a key of the config, as text.
    :param kind: what the key is: one origin, ``"*"``, a pattern, an expression or a callable.
    :param methods: those that can be sent and read, sorted; ``("*",)`` for all.
    :param simple_methods: those that can be read as long as the request needs no preflight.
    :param allow_headers: request headers in upper case, sorted; ``("*",)`` for all.
    :param expose_headers: response headers, sorted; ``("*",)`` for all.
    :param max_age: seconds; None leaves it to the browser.
    :param layer: what the key is written on.
    """

    path: str
    origin: str
    serves: Serves
    kind: Kind
    layer: str
    methods: tuple[str, ...]
    simple_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age: int | None

    def to_dict(self) -> dict[str, Any]:
        """The grant as JSON has it."""
        return {
            "serves": self.serves,
            "path": self.path,
            "origin": self.origin,
            "kind": self.kind,
            "methods": [*self.methods],
            "simple_methods": [*self.simple_methods],
            "allow_headers": [*self.allow_headers],
            "expose_headers": [*self.expose_headers],
            "allow_credentials": self.allow_credentials,
            "max_age": self.max_age,
            "layer": self.layer,
        }

    @property
    def heading(self) -> str:
        """What the grant is for."""
        return _heading(self.serves, self.path)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The grant in four texts: origin, methods, whatever else is allowed, layer."""
        simple = ", ".join(self.simple_methods)
        methods = [*self.methods, *([f"without a preflight {simple}"] if simple else [])]
        more = [
            "credentials" if self.allow_credentials else "",
            f"request headers {', '.join(self.allow_headers)}" if self.allow_headers else "",
            f"exposes {', '.join(self.expose_headers)}" if self.expose_headers else "",
            "" if self.max_age is None else f"max-age {self.max_age}",
        ]
        return self.origin, ", ".join(methods), "; ".join(filter(None, more)), self.layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """What somebody's own code decides when a request comes.

    :param serves: what is at the path, as a :class:`Grant` has it.
    :param by: the name of that code.
    """

    serves: Serves
    path: str
    methods: tuple[str, ...]
    by: str

    def to_dict(self) -> dict[str, Any]:
        """It as JSON has it."""
        return {
            "serves": self.serves,
            "path": self.path,
            "methods": [*self.methods],
            "by": self.by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshared:
    """A path that no page of another origin can read anything of."""

    path: str
    methods: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """It as JSON has it."""
        return {"path": self.path, "methods": [*self.methods]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the pages of other origins may do with an application. All of it is sorted.

    ``str()`` of it is text in 80 columns; :meth:`to_dict` is for programs.

    :param grants: for each path and origin.
    :param undecided: what only a request decides.
    :param without_cors: what is not CORS-enabled.
    :param findings: what is unwise or can never work, for each place where it stands.
    """

    grants: tuple[Grant, ...]
    undecided: tuple[Undecided, ...]
    without_cors: tuple[Unshared, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON has it; ``version`` tells the form."""
        return {
            "version": VERSION,
            "grants": [grant.to_dict() for grant in self.grants],
            "undecided": [one.to_dict() for one in self.undecided],
            "without_cors": [one.to_dict() for one in self.without_cors],
            "findings": [
                {
                    "code": one.code,
                    "place": one.place,
                    "origin": one.origin,
                    "option": one.option,
                    "value": one.value,
                    "reason": one.reason,
                    "remedy": one.remedy,
                    "problem": one.is_problem,
                }
                for one in self.findings
            ],
        }

    def __str__(self) -> str:
        return joined(self.lines())

    def lines(self) -> Iterator[Line]:
        """The text, line by line."""
        for path, grants in self.by_path():
            yield from wrapped(path, "title")
            for grant in grants:
                origin, methods, more, layer = grant.cells
                yield from wrapped(f"{origin}: {methods}", first="  ", indent="      ")
                if more:
                    yield from wrapped(more, first="      ", indent="      ")
                yield from wrapped(f"from {layer}", "quiet", first="      ", indent="      ")
        yield from self.rest()

    def by_path(self) -> Iterator[tuple[str, Iterator[Grant]]]:
        """The grants under the headings of their paths."""
        return groupby(self.grants, lambda grant: grant.heading)

    def rest(self) -> Iterator[Line]:
        """The text without the grants."""
        if not self.grants:
            yield Line("Nothing can be read by the pages of other origins.", "title")
        if self.undecided:
            yield Line("Decided when a request comes", "title")
        for undecided in self.undecided:
            heading = _heading(undecided.serves, undecided.path)
            text = f"{heading}: {', '.join(undecided.methods)}, by {undecided.by}"
            yield from wrapped(text, first="  ", indent="      ")
        if self.without_cors:
            yield Line("Without CORS", "title")
        for one in self.without_cors:
            yield from wrapped(f"{one.path}: {', '.join(one.methods)}", first="  ", indent="      ")
        yield Line("Findings" if self.findings else "No findings", "title")
        for finding in self.findings:
            yield from wrapped(
                str(finding), "bad" if finding.is_problem else "plain", first="  ", indent="      "
            )


def audit(app: web.Application) -> Audit:
    """Audit an application and those below it.

    :raises ValueError: a view has a config that is ill-formed.
    """
    found = _Found()
    # Only a view that decides by itself looks at a request, and is not asked.
    request = make_mocked_request(hdrs.METH_GET, "/", app=app)
    for place in _places((app,), "/"):
        _look_at(place, request, found)
    return found.audit()


class _Place(NamedTuple):
    """A path, and one route that serves it; None for what no route serves."""

    serves: Serves
    path: str
    apps: tuple[web.Application, ...]
    route: web.AbstractRoute | None

    def serving(self) -> Target:
        # What is not matched has no route. The router would say so, too.
        route = cast("web.AbstractRoute", self.route)
        match = web.UrlMappingMatchInfo({}, route)
        return Target(match, self.apps, served=self.route is not None)


def _places(apps: tuple[web.Application, ...], prefix: str) -> Iterator[_Place]:
    for resource in apps[-1].router.resources():
        info = resource.get_info()
        if isinstance(below := info.get("app"), web.Application):
            yield from _places((*apps, below), info.get("prefix", prefix))
            continue
        for route in resource:
            # The library's own do not serve anybody.
            if governor_of(route.handler) is None:
                static = isinstance(resource, web.StaticResource)
                yield _Place("static" if static else "route", resource.canonical, apps, route)
    yield _Place("unmatched", prefix, apps, None)


class _Key(NamedTuple):
    """What a grant is told from others by, but for the method."""

    path: str
    origin: str
    serves: Serves
    kind: Kind
    layer: str
    options: ResourceOptions


class _Found:
    """What is found on the way through the routes."""

    def __init__(self) -> None:
        self.granted: dict[_Key, tuple[set[str], set[str]]] = {}
        self.undecided: dict[tuple[str, Serves, str], set[str]] = {}
        self.without: dict[str, set[str]] = {}
        self.findings: set[Finding] = set()
        self.looked_at: set[tuple[str, int]] = set()

    def note_undecided(self, place: _Place, method: str, by: str) -> None:
        self.undecided.setdefault((place.path, place.serves, by), set()).add(method)

    def audit(self) -> Audit:
        return Audit(
            grants=tuple(sorted((_grant(*item) for item in self.granted.items()), key=_order)),
            undecided=tuple(
                Undecided(serves=serves, path=path, methods=tuple(sorted(methods)), by=by)
                for (path, serves, by), methods in sorted(self.undecided.items())
            ),
            without_cors=tuple(
                Unshared(path=path, methods=tuple(sorted(methods)))
                for path, methods in sorted(self.without.items())
            ),
            findings=tuple(
                sorted(
                    self.findings,
                    key=lambda one: (
                        one.code,
                        one.place,
                        one.origin,
                        one.option or "",
                        str(one.value),
                    ),
                )
            ),
        )


def _order(grant: Grant) -> tuple[object, ...]:
    return (
        grant.path,
        grant.serves,
        grant.origin,
        grant.kind,
        grant.layer,
        grant.methods,
        grant.cells,
    )


def _grant(key: _Key, methods: tuple[set[str], set[str]]) -> Grant:
    full, simple = methods
    options = key.options
    return Grant(
        path=key.path,
        origin=key.origin,
        serves=key.serves,
        kind=key.kind,
        layer=key.layer,
        methods=("*",) if full >= _EVERY else tuple(sorted(full)),
        simple_methods=tuple(sorted(simple - full)),
        allow_headers=_listed(options.allow_headers),
        expose_headers=_listed(options.expose_headers),
        allow_credentials=options.allow_credentials,
        max_age=options.max_age,
    )


def _listed(names: Names) -> tuple[str, ...]:
    return tuple(sorted(names)) if isinstance(names, frozenset) else (names,)


def _look_at(place: _Place, request: web.Request, found: _Found) -> None:
    for method in _methods(place):
        granted: set[OriginKey] = set()
        decided = [
            _decide(place, method, governor, request, granted, found)
            for governor in governors(place.apps)
        ]
        if not any(decided) and place.route is not None:
            found.without.setdefault(place.path, set()).add(method)


def _decide(
    place: _Place,
    method: str,
    governor: Governor,
    request: web.Request,
    granted: set[OriginKey],
    found: _Found,
) -> bool:
    """Note what `governor` grants, and tell whether it lets anybody in.

    :param granted: what was granted by the governors before, whose headers stand.
    """
    route, adapter = place.route, adapter_of(governor)
    if adapter is None:
        found.note_undecided(place, method, "a router adapter")
        return True
    serving = place.serving()
    written = adapter.written_on(serving, method)
    _note_findings(written, found)
    if route is None and all(owner is not place.apps[-1] for owner, _ in written):
        # What is above says the same of all that it does not serve.
        return False
    if route is not None and (view := mixin_view(route.handler)) and overrides_config(view):
        if is_added := _is_added(route, adapter, written):
            found.note_undecided(place, method, f"{view.__qualname__}.get_request_config")
        return is_added
    policy = adapter.policy(request, serving, method)
    if policy is None:
        return False
    return _note_grants(place, method, policy, written, granted, found)


def _is_added(
    route: web.AbstractRoute,
    adapter: ResourcesUrlDispatcherRouterAdapter,
    written: list[tuple[object, Layer]],
) -> bool:
    """Whether `route`, its resource or an application that it is in was added."""
    resource = route.resource
    return any(not isinstance(owner, str) for owner, _ in written) or (
        resource is not None and adapter.is_cors_for_resource(resource)
    )


def _methods(place: _Place) -> list[str]:
    """The methods that something serves there."""
    route = place.route
    if route is None:
        return sorted(SAFELISTED_METHODS)
    if route.method != hdrs.METH_ANY:
        return [route.method]
    if not isinstance(route.handler, type):
        return sorted(_EVERY)
    view = mixin_view(route.handler)
    return sorted(
        method
        for method in hdrs.METH_ALL
        if dispatches(route, method) and (view is None or has_method(view, method))
    )


def _note_findings(written: list[tuple[object, Layer]], found: _Found) -> None:
    for owner, layer in written:
        looked_at = _named(owner), id(layer)
        if looked_at not in found.looked_at:
            found.looked_at.add(looked_at)
            found.findings.update(findings(layer, _named(owner)))


def _named(owner: object) -> str:
    return owner if isinstance(owner, str) else place_of(owner)


def _note_grants(
    place: _Place,
    method: str,
    policy: Policy,
    written: list[tuple[object, Layer]],
    granted: set[OriginKey],
    found: _Found,
) -> bool:
    """Note for each key in the layers what the nearest of them grants it, if it grants any."""
    seen = granted.copy()
    noted: set[OriginKey] = set()
    for layer in policy.layers:
        owner = next(owner for owner, known in written if known is layer)
        for key, options in layer.items():
            if key in seen or "*" in granted or not _can_match(key, layer):
                continue
            seen.add(key)
            if options is None or not policy.actual.allows(options, method):
                continue
            preflighted = policy.preflight.allows(options, method)
            if preflighted or method in SAFELISTED_METHODS:
                grant = _Key(
                    place.path, key_text(key), place.serves, _kind(key), _named(owner), options
                )
                methods = found.granted.setdefault(grant, (set(), set()))
                methods[0 if preflighted else 1].add(method)
                noted.add(key)
    granted |= noted
    return bool(noted)


def _can_match(key: OriginKey, layer: Layer) -> bool:
    """Whether any origin matches `key`."""
    return not isinstance(key, str) or key == "*" or is_wildcard(key) or key in layer.exact


def _kind(key: OriginKey) -> Kind:
    if isinstance(key, str):
        return "any" if key == "*" else "wildcard" if is_wildcard(key) else "exact"
    return "expression" if isinstance(key, re.Pattern) else "callable"
