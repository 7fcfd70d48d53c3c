"""Why an application refuses a page: what in its config decided, and what would allow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from aiohttp import hdrs, web

from ._browser import Request
from ._code import Code
from ._fetch import unsafe_request_header_names
from ._mend import (
    Mend,
    mend_added,
    mend_entry,
    mend_set_up,
    new_registration,
    registration,
    with_more,
)
from ._near import Near, near_names, near_origins, shown
from ._origins import OriginKey
from ._policy import Entry, Layer, Policy, Refused, Rule, answer_preflight
from ._serialize import origin_meant
from ._served import Served
from .cors_config import place_of
from .preflight_handler import Governor, Target, governor_of, governors
from .resource_options import ResourceOptions
from .urldispatcher_router_adapter import dispatches


class Diagnosis(NamedTuple):
    """What decided, and what would decide otherwise."""

    layer: str
    nearest: tuple[str, ...]
    mend: Mend
    reason: str = ""


class Place(NamedTuple):
    """A layer, and what it is written on."""

    owner: object
    layer: Layer

    def __str__(self) -> str:
        return self.owner if isinstance(self.owner, str) else place_of(self.owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a page wants to do."""

    origin: str
    method: str
    headers: tuple[str, ...]
    """Those that a preflight asks for, as the page writes them."""
    credentials: bool
    preflighted: bool

    def missing_headers(self, options: ResourceOptions) -> list[str]:
        """The names that `options` do not allow."""
        if not isinstance(options.allow_headers, frozenset):
            return []
        return [name for name in self.headers if name.upper() not in options.allow_headers]

    def may_send(self, policy: Policy, options: ResourceOptions) -> bool:
        """Whether the method is allowed."""
        return policy.actual.allows(options, self.method) and (
            not self.preflighted or policy.preflight.allows(options, self.method)
        )

    def more(self, policy: Policy, options: ResourceOptions) -> ResourceOptions:
        """`options` with what is missing."""
        return with_more(
            options,
            headers=self.missing_headers(options),
            credentials=self.credentials,
            method=None if self.may_send(policy, options) else self.method,
        )

    def is_granted(self, policy: Policy, entry: Entry | None) -> bool:
        """Whether the page can do it."""
        if entry is None or (options := entry.options) is None:
            return False
        answer = answer_preflight(policy, entry, self.origin, self.method, self.headers)
        return (
            self.may_send(policy, options)
            and not (self.preflighted and isinstance(answer, Refused))
            and (options.allow_credentials or not self.credentials)
        )


def _wish(request: Request, *, preflighted: bool) -> _Wish:
    written = {name.lower(): name for name, _ in request.headers}
    return _Wish(
        origin=request.serialized_origin,
        method=request.method,
        headers=tuple(written[name] for name in unsafe_request_header_names(request.headers)),
        credentials=request.includes_credentials,
        preflighted=preflighted,
    )


async def diagnose(served: Served, request: Request, *, preflighted: bool) -> Diagnosis:
    """Find out why `request` is refused.

    :param preflighted: whether it needs a preflight.
    """
    if request.method != request.method.upper():
        return _lower_case(request.method)
    wish = _wish(request, preflighted=preflighted)
    serving = await served.serving(request)
    found = await _found(served, request, serving)
    if not found:
        return await _not_enabled(served, request, wish, serving)
    entries = [
        (governor, policy, await _entry(governor, await served.received(request), policy, wish))
        for governor, policy in found
    ]
    # Where several govern, the one that knows the origin is the one to change.
    known = [one for one in entries if one[2] is not None and one[2].options is not None]
    governor, policy, entry = (known or entries)[0]
    others = [place for one in governors(serving.apps) for place in _places(one, serving, wish)]
    return await _Refusal(
        served=served,
        request=request,
        wish=wish,
        serving=serving,
        governor=governor,
        policy=policy,
        entry=entry,
        places=_places(governor, serving, wish),
        near=near_origins(wish.origin, [(str(place), place.layer) for place in others]),
    ).diagnosis()


async def _found(
    served: Served, request: Request, serving: Target
) -> Sequence[tuple[Governor, Policy]]:
    """Who governs the request, and how."""
    received = await served.received(request)
    preflight = await served.received_preflight(request)
    found: list[tuple[Governor, Policy]] = []
    for governor in governors(serving.apps):
        policy = await governor.preflight_policy(
            preflight, request.serialized_origin, request.method, serving
        ) or await governor.actual_policy(received)
        if policy is not None:
            # Somebody's own code may find no layer, and has a place for one all the same.
            layers = policy.layers or (Layer({}),)
            found.append((governor, Policy(layers, policy.actual, policy.preflight)))
    return found


async def _entry(
    governor: Governor, received: web.Request, policy: Policy, wish: _Wish
) -> Entry | None:
    return await governor.resolvers.entry(received, policy, wish.origin)


def _places(governor: Governor, serving: Target, wish: _Wish) -> list[Place]:
    return [Place(*written) for written in governor.written_on(serving, wish.method)]


def _is_served(serving: Target, method: str) -> bool:
    return serving.served and (serving.route is None or dispatches(serving.route, method))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """A refusal by something that is CORS-enabled."""

    served: Served
    request: Request
    wish: _Wish
    serving: Target
    governor: Governor
    policy: Policy
    entry: Entry | None
    places: list[Place]
    near: list[Near]

    async def diagnosis(self) -> Diagnosis:
        return Diagnosis(self._layer(), tuple(self._nearest()), await self._mend())

    def _layer(self) -> str:
        """What decided."""
        route, rule = self.serving.route, self.policy.preflight
        if self.entry is None and rule in (Rule.NAMED, Rule.NEVER):
            if not self._is_served:
                return f"none: nothing serves {self.wish.method} there"
            return f"none: {place_of(route)} was not added"
        if self.entry is None:
            names = dict.fromkeys(str(self._place(layer)) for layer in self.policy.layers)
            return f"none of {', '.join(names)} has the origin"
        place = self._place(self._deciding(self.entry))
        if self.entry.options is None:
            return f"{place}, where {shown(self.entry.key)} is mapped to None"
        return f"{place}, by {shown(self.entry.key)}"

    def _deciding(self, entry: Entry) -> Layer:
        """The layer that `entry` is in: of those that have its key the nearest."""
        return next(layer for layer in self.policy.layers if entry.key in layer)

    def _place(self, layer: Layer) -> Place:
        for place in self.places:
            if place.layer is layer:
                return place
        # Somebody's own code put the policy together.
        route = self.serving.route
        if route is None or not self.places:
            return Place("the router adapter", layer)
        return Place(f"{_name(route.handler)}.get_request_config", layer)

    @property
    def _is_served(self) -> bool:
        return _is_served(self.serving, self.wish.method)

    def _nearest(self) -> Iterator[str]:
        """What is configured, for each thing that is not allowed."""
        options = None if self.entry is None else self.entry.options
        if options is None:
            yield from map(str, self.near)
        if options is None or not self.wish.may_send(self.policy, options):
            yield from self._nearest_method(options)
        for name in [] if options is None else self.wish.missing_headers(options):
            names = sorted(options.allow_headers) if options is not None else []
            close = near_names(name.upper(), names)
            allowed = ", ".join(close or names) or "no header"
            yield f"allow_headers has {allowed}, not {name}"

    def _nearest_method(self, options: ResourceOptions | None) -> Iterator[str]:
        method = self.wish.method
        if self.policy.preflight is Rule.ADDED:
            return
        if not self._is_served:
            yield f"nothing serves {method} there{_methods_served(self.serving)}"
        elif self.policy.preflight is Rule.NAMED:
            yield f"the route for {method} was not added"
        if options is not None and isinstance(options.allow_methods, frozenset):
            yield f"allow_methods has {', '.join(sorted(options.allow_methods)) or 'no method'}"

    async def _mend(self) -> Mend:
        wish = self.wish
        options = None if self.entry is None else self.entry.options
        may_send = options is not None and wish.may_send(self.policy, options)
        if not may_send and self.policy.preflight in (Rule.NAMED, Rule.NEVER):
            if self._is_served:
                return await self._add()
            if wish.preflighted:
                return await self._serve()
        return await self._change(self.policy)

    async def _serve(self) -> Mend:
        """Something has to serve the method."""
        route, method = self.serving.route, self.wish.method
        resource = None if route is None else route.resource
        view = next(
            (one.handler for one in resource or () if isinstance(one.handler, type)),
            None,
        )
        if view is not None:
            return await self._write_method(view.__name__, method)
        entity = _new_route(self.serving, self.request)
        return await self._adding(f"serve {method}, and add its route:", entity)

    async def _write_method(self, view: str, method: str) -> Mend:
        """The view has to serve the method."""
        text = f"give {view} a method for {method}:"
        python = f"async def {method.lower()}(self) -> web.Response: ..."
        served = Policy(self.policy.layers, Rule.SERVED, Rule.SERVED)
        if self.wish.is_granted(served, self.entry):
            return Mend(text=text, python=python)
        change = await self._change(served)
        python = f"{python}\n\n# {change.text}\n{change.python}"
        return Mend(text=text, python=python, cautions=change.cautions)

    async def _add(self) -> Mend:
        """The route has to be added."""
        route = self.serving.route
        entity = _entity(route, self.serving)
        return await self._adding(f"add the route for {self.wish.method}, too:", entity)

    async def _adding(self, text: str, entity: Code) -> Mend:
        return await adding(
            text, entity, self.wish, self.governor, await self._received(), self.places, self.near
        )

    async def _received(self) -> web.Request:
        return await self.served.received(self.request)

    async def _change(self, policy: Policy) -> Mend:
        """An entry of a layer has to change, or to be written: the first that is enough."""
        received = await self._received()
        changes = [
            (layer, key, self.wish.more(policy, base)) for layer, key, base in self._candidates()
        ]
        # An entry for the origin in the nearest layer, the last resort, always is.
        (layer, key, options), *_ = [
            (layer, key, options)
            for layer, key, options in changes
            if await self._is_enough(received, policy, layer, Layer({**layer, key: options}))
        ]
        return mend_entry(self._told(layer, key), key, options)

    def _candidates(self) -> Iterator[tuple[Layer, OriginKey, ResourceOptions]]:
        """What may change, the best first: a layer, the key, and the options so far."""
        origin = self.wish.origin
        entry, near = self.entry, self.near
        base = near[0].layer[near[0].key] if near else None
        if entry is not None and entry.options is not None:
            base = entry.options
            if entry.key == origin or base.allow_credentials or not self.wish.credentials:
                yield self._deciding(entry), entry.key, base
            # Credentials are for one origin, not for all that a pattern matches.
            yield self._deciding(entry), origin, base
        layers = [one.layer for one in near if one.layer in self.policy.layers]
        for layer in (*layers, *filter(None, self.policy.layers), *self.policy.layers):
            yield layer, origin, base or ResourceOptions()

    async def _is_enough(
        self, received: web.Request, policy: Policy, layer: Layer, changed: Layer
    ) -> bool:
        layers = tuple(changed if one is layer else one for one in policy.layers)
        new = Policy(layers, policy.actual, policy.preflight)
        entry = await _entry(self.governor, received, new, self.wish)
        return self.wish.is_granted(new, entry)

    def _told(self, layer: Layer, key: OriginKey) -> str:
        place = self._place(layer)
        where = f"in {place}" if str(place) == "defaults" else f"in the config of {place}"
        if key in layer:
            return f"{where}, change {shown(key)} to:"
        for near in self.near:
            if near.layer is layer and _means(near.key, self.wish.origin):
                return f"{where}, write this in place of {shown(near.key)}:"
        return f"{where}, add:"


def _name(handler: object) -> str:
    return getattr(handler, "__name__", type(handler).__name__)


def _means(key: OriginKey, origin: str) -> bool:
    return isinstance(key, str) and key != "*" and origin_meant(key) == origin


def _lower_case(method: str) -> Diagnosis:
    upper = method.upper()
    near = f"{upper!r}: browsers send {method!r} as it is, and it is another method"
    mend = Mend(text=f"in the page, write fetch(url, {{method: {upper!r}}})")
    return Diagnosis(f"none: aiohttp does not know the method {method!r}", (near,), mend)


async def adding(
    text: str,
    entity: Code,
    wish: _Wish,
    governor: Governor,
    received: web.Request,
    places: Iterable[Place],
    near: Sequence[Near],
) -> Mend:
    """The mend that adds something, with a config if what is below does not suffice."""
    # What other routes lend does not belong to this one.
    below = Policy(
        tuple(p.layer for p in places if not isinstance(p.owner, web.AbstractRoute)),
    )
    entry = await _entry(governor, received, below, wish)
    if wish.is_granted(below, entry):
        return mend_added(text, entity, wish.origin, None)
    base = None if entry is None else entry.options
    if base is None and near:
        base = near[0].layer[near[0].key]
    options = wish.more(below, base or ResourceOptions())
    return mend_added(text, entity, wish.origin, options)


# What is not CORS-enabled


async def _not_enabled(served: Served, request: Request, wish: _Wish, serving: Target) -> Diagnosis:
    """Nothing that was added is in the way of the request."""
    known = [*governors(serving.apps)]
    nearest = tuple(_nearest_route(served, request, serving))
    if not known:
        options = wish.more(Policy(()), ResourceOptions())
        reason = "not CORS-enabled; nothing handles CORS: aiohttp_cors.setup() was not called"
        serve = "" if _is_served(serving, wish.method) else f"serve {wish.method}, "
        text = f"set CORS up, {serve}and add the route:"
        entity = _entity_for(serving, request, wish)
        mend = mend_set_up(text, entity, wish.origin, options)
        return Diagnosis("none: not CORS-enabled", nearest, mend, reason)
    governor = known[-1]
    places = _places(governor, serving, wish)
    every = [place for one in known for place in _places(one, serving, wish)]
    near = near_origins(wish.origin, [(str(place), place.layer) for place in every])
    entity = _entity_for(serving, request, wish)
    route = serving.route
    what = "the route" if route is None or route.resource is None else place_of(route)
    text = _adding_text(entity, serving, wish)
    received = await served.received(request)
    mend = await adding(text, entity, wish, governor, received, places, near)
    reason = f"not CORS-enabled; {what} was never added"
    if not _is_served(serving, wish.method):
        reason = f"not CORS-enabled; nothing serves {wish.method} there{_methods_served(serving)}"
    return Diagnosis("none: not CORS-enabled", (*nearest, *map(str, near)), mend, reason)


def _adding_text(entity: Code, serving: Target, wish: _Wish) -> str:
    route = serving.route
    if entity == "app":
        return "add the whole application, which has an OPTIONS handler of its own there:"
    if not _is_served(serving, wish.method):
        return f"serve {wish.method}, and add its route:"
    if route is not None and isinstance(route.handler, type) and _needs_mixin(route):
        return f"derive {route.handler.__name__} from aiohttp_cors.CorsViewMixin too, and add it:"
    return "add the route:"


def _needs_mixin(route: web.AbstractRoute) -> bool:
    return route.method == hdrs.METH_ANY and not hasattr(route.handler, "get_request_config")


def _entity_for(serving: Target, request: Request, wish: _Wish) -> Code:
    if _is_served(serving, wish.method):
        return _entity(serving.route, serving)
    return _new_route(serving, request)


def _entity(route: web.AbstractRoute | None, serving: Target) -> Code:
    """What has to be added for `route`, as code."""
    resource = None if route is None else route.resource
    if route is None or resource is None:
        return "app"
    options = [one for one in resource if one.method == hdrs.METH_OPTIONS]
    # Such a resource is added with its application only.
    if any(governor_of(one.handler) is None for one in options):
        return "app"
    return registration(route, _prefix(serving.apps))


def _new_route(serving: Target, request: Request) -> Code:
    route = serving.route
    resource = None if route is None else route.resource
    # A directory's own path is none of its files'.
    if resource is None or isinstance(resource, web.StaticResource):
        path = request.url.path
    else:
        path = resource.canonical
    return new_registration(request.method, path.removeprefix(_prefix(serving.apps)), "handler")


def _prefix(apps: Sequence[web.Application]) -> str:
    """What stands in front of the paths of the innermost application."""
    prefix = ""
    for outer, inner in pairwise(apps):
        for resource in outer.router.resources():
            info = resource.get_info()
            if info.get("app") is inner:
                prefix = info.get("prefix", prefix)
    return prefix


def _methods_served(serving: Target) -> str:
    """The methods that are served where the request went, to be told."""
    route = serving.route
    methods = sorted(
        one.method
        for one in (() if route is None else route.resource or ())
        if governor_of(one.handler) is None
    )
    return f"; what is served: {', '.join(methods)}" if methods else ""


def _nearest_route(served: Served, request: Request, serving: Target) -> Iterator[str]:
    """The path that was meant, if nothing has this one."""
    if isinstance(serving.match.http_exception, web.HTTPNotFound):
        routes = served.app.router.routes()
        paths = {route.resource.canonical for route in routes if route.resource is not None}
        for path in near_names(request.url.path, paths):
            yield f"{path} is served, {request.url.path} is not"
