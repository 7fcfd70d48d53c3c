"""What is configured that comes nearest to an origin or a name that is not.

Text that a person reads; nothing here decides.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from ._findings import key_text
from ._origins import OriginKey, is_wildcard, parse_wildcard
from ._policy import Layer
from ._serialize import is_loopback, mistakes, origin_meant, origins_listed

#: How much of two hosts has to be the same for one of them to be a slip of the pen.
_ALIKE: Final = 0.8

#: No more of them are told; the first is the nearest.
_TOLD: Final = 3


class Near(NamedTuple):
    """A key that `origin` nearly matches."""

    distance: int
    key: OriginKey
    place: str
    layer: Layer
    differences: str

    def __str__(self) -> str:
        return f"{shown(self.key)} in {self.place}: {self.differences}"


def shown(key: OriginKey) -> str:
    """A key as it is written in Python, or the name of one that is a callable."""
    return repr(key) if isinstance(key, str) else key_text(key)


def near_origins(origin: str, layers: Iterable[tuple[str, Layer]]) -> list[Near]:
    """The keys that come nearest to `origin`, the nearest first.

    :param layers: each with the place that it is written in, nearest first.
    """
    found = [
        Near(len(differences), key, place, layer, ", ".join(differences))
        for place, layer in layers
        for key, options in layer.items()
        if options is not None and (differences := [*_differences(origin, key)])
    ]
    return sorted(found, key=lambda near: near.distance)[:_TOLD]


def near_names(name: str, names: Collection[str]) -> list[str]:
    """Those of `names` that are written much like `name`."""
    return difflib.get_close_matches(name, sorted(names), 1)


def _differences(origin: str, key: OriginKey) -> Iterator[str]:
    """What keeps `origin` from matching `key`; nothing if they have nothing in common."""
    if isinstance(key, re.Pattern):
        if key.fullmatch(f"{origin}/"):
            yield "it wants a slash at the end, which no browser sends"
        elif key.search(origin):
            yield "it matches a part of the origin, and has to match the whole"
    elif not isinstance(key, str) or key == "*":
        return
    elif (meant := origin_meant(key)) is None:
        if origin in origins_listed(key):
            yield "it is a list in one text; each origin is a key of its own"
    else:
        between = [] if "null" in (meant, origin) else [*_between(origin, meant)]
        if meant != key and (between or meant == origin):
            yield from mistakes(key, meant)
        yield from between


class _Parts(NamedTuple):
    scheme: str
    host: str
    port: str


def _parts(origin: str) -> _Parts:
    scheme, _, rest = origin.partition("://")
    host, _, port = rest.rpartition(":") if re.search(r":[0-9]+$", rest) else (rest, "", "")
    return _Parts(scheme, host, port)


def _between(origin: str, meant: str) -> Iterator[str]:
    """How two origins differ, or an origin and a pattern, if their hosts have to do much."""
    sent = _parts(origin)
    if is_wildcard(meant):
        pattern = parse_wildcard(meant)
        written = _Parts(pattern.scheme, pattern.host, pattern.port)
        hosts = (_below if pattern.subdomains else _beside)(sent.host, written.host)
    else:
        written = _parts(meant)
        hosts = _beside(sent.host, written.host)
    if hosts is None:
        return
    yield from hosts
    if sent.scheme != written.scheme:
        yield f"the scheme is {written.scheme}, not {sent.scheme}"
    if written.port not in ("*", sent.port):
        yield f"the port is {written.port or 'the default'}, not {sent.port or 'the default'}"


def _below(sent: str, written: str) -> list[str] | None:
    """How a host differs from a subdomain of another; None if nothing is alike."""
    if sent == written:
        return ["it covers the subdomains, not the host itself"]
    return [] if sent.endswith(f".{written}") else None


def _beside(sent: str, written: str) -> list[str] | None:
    """How two hosts differ; None if nothing is alike."""
    if sent == written:
        return []
    if is_loopback(f"http://{sent}") and is_loopback(f"http://{written}"):
        return [f"{written} and {sent} are one machine, but two origins"]
    if sent.endswith(f".{written}"):
        return [f"{sent} is a subdomain of {written}"]
    if written.endswith(f".{sent}"):
        return [f"{written} is a subdomain of {sent}"]
    if difflib.SequenceMatcher(None, sent, written).ratio() >= _ALIKE:
        return [f"the host is {written}, not {sent}"]
    return None
