"""What the CORS protocol says to an origin, decided on plain values.

A layer is one config as the user wrote it: for a route, a resource, a view, an application, or
the defaults. A policy is the layers that govern a request, nearest first, and who decides on
the method. Nothing here knows of requests, responses or an event loop.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections import ChainMap, UserDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from aiohttp.hdrs import (
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
    VARY,
)
from multidict import CIMultiDict

from . import _fetch
from ._origins import Ask, OriginKey, Patterns, Resolver, is_wildcard, parse_wildcard
from .resource_options import Granted, Options, ResourceOptions

if TYPE_CHECKING:
    from typing_extensions import Self

#: A config as users write it.
Config: TypeAlias = "Mapping[Any, ResourceOptions | Options | None]"

#: Is shown what is about to be new in a layer.
Check: TypeAlias = "Callable[[Mapping[OriginKey, ResourceOptions | None]], None]"

_STAR: Final = "*"
_NO_ANSWERS: Final[Mapping[Resolver, bool]] = {}


#: Request headers that the answers to actual requests depend on.
VARY_ACTUAL: Final = "Origin"
#: Request headers that the answers to preflights depend on.
VARY_PREFLIGHT: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

_TRUE: Final = Granted("true")  # Fetch, CORS check: the value is `true`, in lower case


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a layer: a key, and what it grants. None as options takes it away."""

    key: OriginKey
    options: ResourceOptions | None
    value: Granted | None
    """Access-Control-Allow-Origin, where the key alone tells it."""


class Layer(UserDict[OriginKey, "ResourceOptions | None"]):
    """One config: a mapping of origins to options that is checked whenever it changes.

    :param check: called with what is about to be new in the layer; what it raises prevents that.
    :raises ValueError: a key or its options cannot be what they are.
    """

    def __init__(self, config: Config | None = None, check: Check | None = None) -> None:
        self._check = check
        self.data: dict[OriginKey, ResourceOptions | None] = {}
        self.exact: dict[str, Entry] = {}
        self.any: Entry | None = None
        #: Tells one content from another.
        self.version: int = 0
        self.patterns: Patterns[Entry] = Patterns(())
        self._written: Mapping[Any, Any] = {}
        self._named: frozenset[str] = frozenset()
        self._lent: dict[str, Layer] = {}
        self.replace({} if config is None else config)

    def replace(self, config: Config) -> None:
        """Hold what `config` says, and nothing else."""
        if not isinstance(config, Mapping):
            raise ValueError(
                "a CORS config must be a mapping of origins to ResourceOptions, "
                f"got {config!r}; did you mean {{'*': ResourceOptions()}}?"
            )
        # Read to the end before anything changes: a config that is refused leaves no trace.
        data = {_checked_key(key): parse_options(key, value) for key, value in config.items()}
        patterns = Patterns(
            (key, Entry(key, options, None)) for key, options in data.items() if _is_pattern(key)
        )
        if self._check is not None:
            self._check({k: new for k, new in data.items() if self.data.get(k, ...) is not new})
        self.data, self.patterns = data, patterns
        self.version += 1
        self.any = Entry(_STAR, data[_STAR], None) if _STAR in data else None
        #: Whether an origin may match that is not written out.
        self.wide: bool = bool(patterns) or self.any is not None
        # A key that no Origin header can hold matches nothing, and is left out.
        self.exact.clear()
        self.exact.update(
            (key, Entry(key, options, Granted(key)))
            for key, options in data.items()
            if isinstance(key, str) and not _is_pattern(key) and _fetch.is_origin(key)
        )
        self._written = {
            key: data[key] if data[key] is options else _as_written(options, data[key])
            for key, options in config.items()
        }
        self._lent = {}
        self._named = frozenset(
            method
            for options in data.values()
            if options is not None and isinstance(options.allow_methods, frozenset)
            for method in options.allow_methods
        )

    def __setitem__(self, key: OriginKey, options: Any) -> None:
        self.replace({**self.data, key: options})

    def __delitem__(self, key: OriginKey) -> None:
        rest = dict(self.data)
        del rest[key]
        self.replace(rest)

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]  # takes what add() takes
        self.replace({**self.data, **other})
        return self

    def __copy__(self) -> Self:
        return type(self)(self.data)

    def copy(self) -> Self:
        """A layer that says the same, and changes alone."""
        return self.__copy__()

    def clear(self) -> None:
        """Grant nothing."""
        self.replace({})

    def lending(self, method: str) -> Layer:
        """The part that also serves other routes of the resource: what names `method`."""
        named = method if method in self._named else ""
        if named not in self._lent:
            part = {
                key: options
                for key, options in self.data.items()
                if options is not None and options.is_method_allowed(named)
            }
            self._lent[named] = self if len(part) == len(self.data) else Layer(part)
        return self._lent[named]

    def made_of(self, config: Config) -> bool:
        """Whether `config` makes an equal layer, told without making it."""
        return self._written == config

    def same_as(self, other: Layer) -> bool:
        """Whether `other` says the same, in the same order."""
        return self is other or (self.data == other.data and list(self.data) == list(other.data))


def layer(config: Config | None) -> Layer:
    """The layer that `config` describes; a layer stays what it is."""
    return config if isinstance(config, Layer) else Layer(config)


def layers_of(config: Config) -> tuple[Layer, ...]:
    """The layers in a config that somebody put together, a ChainMap of layers for one."""
    if isinstance(config, ChainMap):
        return tuple(layer(part) for part in config.maps if part)
    return (layer(config),)


# Values of options that are equal as long as they say the same, and can be copied.
_PLAIN: Final = (bool, int, str, list, tuple, set, frozenset, type(None))


def _as_written(options: Any, parsed: ResourceOptions | None) -> Any:
    """What equals `options` for as long as their owner, who may change them, does not."""
    if all(type(value) in _PLAIN for value in options.values()):
        return copy.deepcopy(dict(options))
    return parsed


def _checked_key(key: object) -> OriginKey:
    if isinstance(key, str):
        if is_wildcard(key):
            parse_wildcard(key)
        return key
    if isinstance(key, re.Pattern):
        if not isinstance(cast("Any", key).pattern, str):
            raise ValueError(f"origin {key!r} matches bytes; compile a str instead")
        return cast("re.Pattern[str]", key)
    if callable(key):
        return cast("Resolver", key)
    raise ValueError(f"origin must be a str, a re.Pattern or a callable, got {key!r}")


def _is_pattern(key: OriginKey) -> bool:
    return not isinstance(key, str) or is_wildcard(key)


def parse_options(origin: object, options: object) -> ResourceOptions | None:
    """The options that `origin` is mapped to.

    :raises ValueError: they are neither options, nor a mapping of options, nor None.
    """
    if options is None or isinstance(options, ResourceOptions):
        return options
    if not isinstance(options, Mapping):
        raise ValueError(
            "the options of an origin must be ResourceOptions, a mapping of options or None, "
            f"got {options!r} for {origin!r}; a config is written {{origin: ResourceOptions()}}"
        )
    given = cast("Mapping[str, Any]", options)
    names = list(Options.__annotations__)
    unknown = [name for name in given if name not in names]
    if unknown:
        close = difflib.get_close_matches(str(unknown[0]), names, 1) or names
        raise ValueError(
            f"unknown options {unknown!r} for {origin!r}; did you mean {' or '.join(close)}?"
        )
    return ResourceOptions(**given)


class Rule(Enum):
    """How far the `allow_methods` of the options that match decides on a method."""

    ADDED = "the route was added: its method is allowed"
    SERVED = "something serves the method: it is allowed unless a list leaves it out"
    NAMED = "the method is allowed if it is named"
    NEVER = "nothing serves the method"

    def allows(self, options: ResourceOptions, method: str) -> bool:
        """Whether `method` is allowed under `options`."""
        if self is Rule.ADDED or (self is Rule.SERVED and options.allow_methods is None):
            return True
        return self is not Rule.NEVER and options.is_method_allowed(method)


class Policy:
    """What governs the requests that one route serves.

    :param layers: nearest first.
    :param actual: who decides on the method of an actual request.
    :param preflight: who decides on the method that a preflight asks for.
    """

    __slots__ = ("actual", "always", "layers", "nearest", "preflight")

    def __init__(
        self,
        layers: tuple[Layer, ...],
        actual: Rule = Rule.ADDED,
        preflight: Rule = Rule.ADDED,
    ) -> None:
        self.layers: tuple[Layer, ...] = layers
        self.actual: Rule = actual
        self.preflight: Rule = preflight
        #: Whether the method of an actual request is allowed, whatever it is.
        self.always: bool = actual is Rule.ADDED
        #: Where most origins are found; what is in it is not to be overridden.
        self.nearest: Mapping[str, Entry] = layers[0].exact if layers else {}

    def find(
        self, origin: str, answers: Mapping[Resolver, bool] = _NO_ANSWERS
    ) -> Entry | Ask | None:
        """The entry that decides on `origin`, or the resolver to ask before that is known.

        The exact origin in any layer, nearest first; then patterns, nearest layer first and
        within it in the order written; then ``"*"``, nearest first.
        """
        wide = False
        for part in self.layers:
            if (entry := part.exact.get(origin)) is not None:
                return entry
            wide = wide or part.wide
        # A layer without patterns and "*" is done; most requests of other origins end here.
        if not wide or not _fetch.is_origin(origin):
            return None
        for part in self.layers:
            if part.patterns and (found := part.patterns.first(origin, answers)) is not None:
                return found
        return next((part.any for part in self.layers if part.any is not None), None)

    @property
    def asks(self) -> bool:
        """Whether a resolver has a word in it."""
        return any(part.patterns.asks for part in self.layers)

    def refuses_method(self, entry: Entry | None, method: str) -> bool:
        """Whether a preflight fails for `method`, not for its origin."""
        if entry is None or entry.options is None:
            return self.preflight in (Rule.NAMED, Rule.NEVER)
        return not self.preflight.allows(entry.options, method)

    @property
    def grants_nothing(self) -> bool:
        """Whether no origin at all is allowed."""
        return not any(options for part in self.layers for options in part.values())


def write_actual(headers: CIMultiDict[str], allowed: Granted, options: ResourceOptions) -> None:
    """Let the origin `allowed` read the response that has `headers` (Fetch, CORS check)."""
    headers[ACCESS_CONTROL_ALLOW_ORIGIN] = allowed
    if options.allow_credentials:
        headers[ACCESS_CONTROL_ALLOW_CREDENTIALS] = _TRUE
    elif ACCESS_CONTROL_ALLOW_CREDENTIALS in headers:
        del headers[ACCESS_CONTROL_ALLOW_CREDENTIALS]
    if options.exposes and ACCESS_CONTROL_EXPOSE_HEADERS not in headers:
        # A literal "*" would not cover requests with credentials; names do.
        exposed = options.expose_value or _exposed(headers)
        if exposed:
            headers[ACCESS_CONTROL_EXPOSE_HEADERS] = exposed


_NEVER_EXPOSED: Final = (
    _fetch.SAFELISTED_RESPONSE_HEADERS
    | _fetch.FORBIDDEN_RESPONSE_HEADERS
    | _fetch.HOP_BY_HOP_HEADERS
    | {"vary"}
)


def _exposed(headers: Mapping[str, str]) -> Granted:
    names = {name.lower(): name for name in headers}
    return Granted(
        ",".join(
            sorted(
                name
                for lower, name in names.items()
                if lower not in _NEVER_EXPOSED
                and not lower.startswith("access-control-")
                and _fetch.is_token(name)
            )
        )
    )


def merge_vary(headers: CIMultiDict[str], names: str) -> None:
    """Say that the response depends on the request headers in `names` (RFC 9110, 12.5.5)."""
    lines = headers.getall(VARY, [])
    if lines == [names]:
        return
    present = _fetch.list_members(lines)
    known = {name.lower() for name in present}
    missing = [name for name in names.split(", ") if name.lower() not in known]
    if missing and _STAR not in known:
        headers[VARY] = ", ".join([*present, *missing])


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a preflight is refused."""

    reason: str


def method_refused(method: str, origin: str) -> Refused:
    """`method` is not allowed for `origin`."""
    return Refused(f"request method {method!r} is not allowed for {origin!r} origin")


def origin_refused(origin: str) -> Refused:
    """`origin` is not allowed."""
    return Refused(f"origin '{_escaped(origin)}' is not allowed")


def answer_preflight(
    policy: Policy, entry: Entry | None, origin: str, method: str, lines: Iterable[str]
) -> dict[str, str] | Refused:
    """The headers that grant a preflight (Fetch, CORS-preflight fetch), or why it is refused.

    :param entry: what decides on `origin`, None if nothing does.
    :param lines: the values of Access-Control-Request-Headers.
    """
    if policy.refuses_method(entry, method):
        return method_refused(method, origin)
    if entry is None or (options := entry.options) is None:
        return (
            Refused("no origins are allowed") if policy.grants_nothing else origin_refused(origin)
        )
    asked = _fetch.names_in(lines)
    if options.allow_headers == _STAR:
        refused = {name for name in asked if not _fetch.is_token(name)}
    else:
        refused = asked.difference(options.allow_headers)
    if refused:
        return Refused(f"headers are not allowed: {_escaped(', '.join(sorted(refused)))}")
    headers: dict[str, str] = {
        ACCESS_CONTROL_ALLOW_ORIGIN: origin,
        ACCESS_CONTROL_ALLOW_METHODS: method,
        VARY: VARY_PREFLIGHT,
    }
    if options.allow_credentials:
        headers[ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    if asked:
        headers[ACCESS_CONTROL_ALLOW_HEADERS] = ",".join(sorted(asked))
    if options.max_age_value is not None:
        headers[ACCESS_CONTROL_MAX_AGE] = options.max_age_value
    return headers


def _escaped(text: str) -> str:
    return repr(text)[1:-1]
