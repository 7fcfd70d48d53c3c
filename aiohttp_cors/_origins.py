"""What a key of a config can be, and which of a layer's keys an origin matches.

A key is an exact origin, ``"*"``, or one of the things that stand for many origins: a wildcard
pattern, a compiled regular expression, or a resolver that is asked.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from aiohttp import web

T = TypeVar("T")

#: A callable that says whether an origin may read the answer to a request.
Resolver: TypeAlias = "Callable[[web.Request, str], bool | Awaitable[bool]]"

#: What a config may have as a key.
OriginKey: TypeAlias = "str | re.Pattern[str] | Resolver"

_STAR = "*"
_HOST = r"\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"

# HTML, "serialization of an origin". Each run of the host is ended by a character that it
# cannot hold itself, so that matching is linear in the length of what a client sent.
_SERIALIZED = re.compile(rf"([a-z][a-z0-9+.-]*)://({_HOST})(?::([0-9]{{1,5}}))?")
_WILDCARD = re.compile(rf"([a-z][a-z0-9+.-]*)://(\*\.)?({_HOST})(?::([0-9]{{1,5}}|\*))?")

# RFC 1035, 2.3.4: no name is longer, so no longer one is taken apart.
_LONGEST_HOST = 253


class Wildcard(NamedTuple):
    """A pattern with ``*`` for the labels in front of a host, for its port, or for both."""

    scheme: str
    subdomains: bool
    host: str
    port: str
    """Digits, ``""`` for none, ``"*"`` for any or none."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The search cannot go on before this resolver has been asked."""

    resolver: Resolver


def is_wildcard(key: OriginKey) -> bool:
    """Whether `key` is text that has to be a wildcard pattern."""
    return isinstance(key, str) and _STAR in key and key != _STAR


def parse_wildcard(text: str) -> Wildcard:
    """Take a key apart that has a ``*`` in it.

    :raises ValueError: it is not a pattern; the message says what one looks like.
    """
    match = _WILDCARD.fullmatch(text)
    if match is None:
        raise _ill_formed(
            text,
            "a '*' stands for the labels in front of a host, as in 'https://*.example.com', "
            "or for the port, as in 'http://localhost:*'; for anything else use a re.Pattern",
        )
    scheme, labels, host, port = match.groups()
    if labels and _is_address(host):
        raise _ill_formed(text, "an IP address has no subdomains; list the addresses one by one")
    return Wildcard(scheme, labels is not None, host, port or "")


def _ill_formed(text: str, remedy: str) -> ValueError:
    return ValueError(f"origin pattern {text!r} is ill-formed: {remedy}")


def _is_address(host: str) -> bool:
    # URL Standard, "ends in a number checker": a host that ends so is an IPv4 address or none.
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


class Patterns(Generic[T]):
    """The keys of one layer that stand for many origins, in the order written.

    Wildcards are looked up by the labels of the origin's host, so that a thousand of them cost
    as much as one. Expressions and resolvers are tried one by one.
    """

    __slots__ = ("_others", "_wildcards")

    def __init__(self, keys: Iterable[tuple[OriginKey, T]]) -> None:
        self._wildcards: dict[str, tuple[int, T]] = {}
        self._others: list[tuple[int, re.Pattern[str] | Resolver, T]] = []
        for place, (key, value) in enumerate(keys):
            if isinstance(key, str):
                self._wildcards[key] = place, value
            else:
                self._others.append((place, key, value))

    def __bool__(self) -> bool:
        return bool(self._wildcards or self._others)

    @property
    def asks(self) -> bool:
        """Whether a resolver is among the keys."""
        return not all(isinstance(key, re.Pattern) for _, key, _ in self._others)

    def first(self, origin: str, answers: Mapping[Resolver, bool]) -> T | Ask | None:
        """The value of the first key that matches, or the resolver to ask before that is known.

        :param origin: the value of an Origin header, of whatever form.
        :param answers: what the resolvers that were asked already have said.
        """
        found: tuple[int, T] | None = None
        for text in _wildcards_for(origin) if self._wildcards else ():
            hit = self._wildcards.get(text)
            if hit is not None and (found is None or hit[0] < found[0]):
                found = hit
        for place, key, value in self._others:
            if found is not None and found[0] < place:
                break
            if isinstance(key, re.Pattern):
                if key.fullmatch(origin):
                    return value
            elif key not in answers:
                return Ask(key)
            elif answers[key]:
                return value
        return None if found is None else found[1]


def _wildcards_for(origin: str) -> list[str]:
    """Every wildcard pattern that `origin` matches, as it is written."""
    match = _SERIALIZED.fullmatch(origin)
    if match is None:
        return []
    scheme, host, port = match.groups()
    if len(host) > _LONGEST_HOST:
        return []
    patterns = [f"{scheme}://{host}:*"]
    ends = (":*", f":{port}" if port else "")
    dot = host.find(".")
    while dot >= 0:
        patterns += [f"{scheme}://*{host[dot:]}{end}" for end in ends]
        dot = host.find(".", dot + 1)
    return patterns
