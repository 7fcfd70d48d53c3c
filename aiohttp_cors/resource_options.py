"""ResourceOptions: what one origin may do with a resource."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, Literal, TypeAlias, TypedDict

from . import _fetch

__all__ = ("Options", "ResourceOptions")

_ALL: Literal["*"] = "*"

#: Every name, or these names.
Names: TypeAlias = "Literal['*'] | frozenset[str]"


class Options(TypedDict, total=False):
    """Options written as a mapping, as they are read from JSON or TOML."""

    allow_credentials: bool
    expose_headers: Collection[str]
    allow_headers: Collection[str]
    max_age: int | None
    allow_methods: Collection[str] | None


class Granted(str):
    """A header value that this library wrote, told from what a handler wrote by its type."""

    __slots__ = ()


@dataclass(frozen=True, init=False, repr=False)
class ResourceOptions:
    """What pages of one origin may do with a resource. Immutable.

    All arguments are keyword-only; they are checked and normalised here, once.

    :param bool allow_credentials: whether requests with cookies, HTTP authentication or client
        certificates may be read (Access-Control-Allow-Credentials).
    :param expose_headers: names of the response headers that the page may read besides the
        safelisted ones (Access-Control-Expose-Headers), or ``"*"`` for all that the response
        has.
    :param allow_headers: names of the request headers that the page may set
        (Access-Control-Allow-Headers), or ``"*"`` for all.
    :param max_age: for how many seconds a browser may remember the answer to a preflight
        (Access-Control-Max-Age). None leaves it to the browser: five seconds.
    :param allow_methods: the methods that are allowed besides those whose routes were added
        (Access-Control-Allow-Methods), or ``"*"`` for all. Given as a list it also holds for
        the actual requests.
    :raises ValueError: an option has a value that it cannot have; the message names the option,
        the value and what to write instead.

    See the Fetch Standard, "HTTP responses" under "CORS protocol".
    """

    __slots__ = (*Options.__annotations__, "expose_value", "exposes", "max_age_value")

    allow_credentials: bool
    expose_headers: Names
    allow_headers: Names
    max_age: int | None
    allow_methods: Names | None

    # What never changes, made once.
    exposes: bool
    expose_value: Granted | None
    max_age_value: str | None

    def __init__(
        self,
        *,
        allow_credentials: bool = False,
        expose_headers: Collection[str] = (),
        allow_headers: Collection[str] = (),
        max_age: int | None = None,
        allow_methods: Collection[str] | None = None,
    ) -> None:
        if not isinstance(allow_credentials, bool):
            raise ValueError(_must("allow_credentials", "True or False", allow_credentials))
        exposed = _names("expose_headers", "header names", expose_headers)
        age = None if max_age is None else _seconds(max_age)
        for name, value in {
            "allow_credentials": allow_credentials,
            "expose_headers": exposed,
            "allow_headers": _upper(_names("allow_headers", "header names", allow_headers)),
            "max_age": age,
            "allow_methods": None
            if allow_methods is None
            else _upper(_names("allow_methods", "method names", allow_methods)),
            "exposes": bool(exposed),
            "expose_value": None if exposed == _ALL else Granted(",".join(sorted(exposed))),
            "max_age_value": None if age is None else str(age),
        }.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles are made as the original was; nothing can be set afterwards.
        return partial(
            type(self), **{name: getattr(self, name) for name in Options.__annotations__}
        ), ()

    def __repr__(self) -> str:
        given = {
            "allow_credentials": self.allow_credentials or None,
            "expose_headers": _written(self.expose_headers) or None,
            "allow_headers": _written(self.allow_headers) or None,
            "max_age": self.max_age,
            "allow_methods": None if self.allow_methods is None else _written(self.allow_methods),
        }
        shown = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
        return f"{type(self).__name__}({shown})"

    def is_method_allowed(self, method: str) -> bool:
        """Whether `allow_methods` names `method`, in whatever case."""
        if self.allow_methods is None:
            return False
        return self.allow_methods == _ALL or method.upper() in self.allow_methods


def _names(option: str, kind: str, value: Collection[str]) -> Names:
    """Check a list of names: ``"*"``, or tokens (RFC 9110, 5.1 and 9.1)."""
    if value == _ALL:
        return _ALL
    expected = f"'*' or a collection of {kind}"
    if isinstance(value, (str, bytes, bytearray)):
        meant = value if isinstance(value, str) else bytes(value).decode("ascii", "replace")
        raise ValueError(f"{_must(option, expected, value)}; did you mean {[meant]!r}?")
    if not isinstance(value, (Sequence, AbstractSet)):
        raise ValueError(_must(option, expected, value))
    for name in value:
        if not isinstance(name, str):
            raise ValueError(f"{_must(option, expected, value)}: {name!r} is not a str")
        if not _fetch.is_token(name):
            raise ValueError(
                f"{_must(option, expected, value)}: {name!r} is not a name, "
                "which has letters, digits and !#$%&'*+-.^_`|~ only"
            )
    return frozenset(value)


def _seconds(value: int) -> int:
    # bool is a number to Python; a lifetime of True is a mistake all the same.
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise ValueError(_must("max_age", "a whole number of seconds from 0, or None", value))
    return int(value)


def _upper(names: Names) -> Names:
    return frozenset(map(str.upper, names)) if isinstance(names, frozenset) else names


def _written(names: Names) -> str | list[str]:
    return sorted(names) if isinstance(names, frozenset) else names


def _must(option: str, expected: str, value: object) -> str:
    return f"{option!r} must be {expected}, got {value!r}"
