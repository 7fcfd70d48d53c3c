"""How browsers write an origin, and what they would not write of a text that means one.

HTML, "serialization of an origin", and the URL Standard, by whose rules the parts are read.
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from yarl import URL

from . import _fetch
from ._origins import is_wildcard, parse_wildcard

# A scheme that browsers know, with however many slashes (URL Standard, special authority slashes).
_SLASHES: Final = re.compile(r"^(https?|wss?):/*", re.IGNORECASE | re.ASCII)

# What a WebSocket's URL has in place of the scheme of the page that opens it.
_PAGE_SCHEMES: Final = {"ws": "http", "wss": "https"}

# URL Standard, default port
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

# URL Standard, forbidden domain code point; the colons of an IPv6 address are no part of it.
_FORBIDDEN_IN_HOST: Final = re.compile(r"[\0- \x7f#%/<>?@\[\\\]^|]")

# URL Standard, ends in a number checker
_ENDS_IN_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")

# Secure Contexts, "Is origin potentially trustworthy?"
_LOOPBACK: Final = re.compile(
    r"http://(?:(?:.+\.)?localhost\.?|127\.[0-9.]+|\[::1\])(?::(?:[0-9]+|\*))?"
)


@lru_cache(maxsize=4096)
def origin_meant(key: str) -> str | None:
    """The origin or the pattern as a browser would send or match it; None if it means none.

    It is `key` itself where nothing is wrong with it (HTML, "serialization of an origin").

    :param key: any text but ``"*"``; with a ``*`` in it, a pattern that is well-formed.
    """
    if not is_wildcard(key):
        return "null" if key.strip().lower() == "null" else _serialized(key)
    pattern = parse_wildcard(key)
    any_port = pattern.port == "*"
    port = f":{pattern.port}" if pattern.port and not any_port else ""
    origin = _serialized(f"{pattern.scheme}://{pattern.host}{port}")
    if origin is None:
        return None
    labels = "*." if pattern.subdomains else ""
    return origin.replace("://", f"://{labels}", 1) + (":*" if any_port else "")


class _Written(NamedTuple):
    """The parts of what was written for an origin, each of which may be empty."""

    scheme: str
    user: str
    host: str
    """With the port."""
    tail: str
    """Path, query and fragment."""


def _written(text: str) -> _Written:
    scheme, separator, rest = _SLASHES.sub(r"\1://", text.strip(), count=1).partition("://")
    if not separator:
        scheme, rest = "", scheme.lstrip("/")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    return _Written(scheme, user, host, rest[len(authority) :])


def _serialized(text: str) -> str | None:
    written = _written(text)
    scheme = _PAGE_SCHEMES.get(written.scheme.lower(), written.scheme.lower())
    if scheme and scheme not in _DEFAULT_PORTS:
        # Apps and extensions have schemes of their own, with hosts of whatever form.
        origin = f"{scheme}://{written.host}"
        return origin if _fetch.is_origin(origin) else None
    try:
        url = URL(f"https://{written.host}")
        host = _host(url.raw_host or "")
    except (ValueError, OSError):
        return None
    if not scheme:
        scheme = "http" if is_loopback(f"http://{host}") else "https"
    default = _DEFAULT_PORTS[scheme]
    port = "" if url.explicit_port is None else str(url.explicit_port)
    origin = f"{scheme}://{host}" + (f":{port}" if port not in ("", default) else "")
    return origin if _fetch.is_origin(origin) else None


def _host(host: str) -> str:
    """The host as browsers write it (URL Standard, host parsing and host serializing).

    :raises ValueError: it is no host.
    :raises OSError: it is to be an IPv4 address, and is none.
    """
    if not host or _FORBIDDEN_IN_HOST.search(host):
        raise ValueError(host)
    if ":" in host:
        address = IPv6Address(host)
        if address.ipv4_mapped is None:
            return f"[{address}]"
        # Python 3.13 writes the last four bytes as an IPv4 address, browsers do not.
        high, low = divmod(int(address.ipv4_mapped), 0x10000)
        return f"[::ffff:{high:x}:{low:x}]"
    if _ENDS_IN_NUMBER.fullmatch(host):
        # inet_aton() knows the forms that browsers know: fewer numbers, octal, hexadecimal.
        return socket.inet_ntoa(socket.inet_aton(host.removesuffix(".")))
    # yarl may leave the case of labels beside one that IDNA 2008 does not have.
    return host.lower()


def mistakes(key: str, meant: str) -> list[str]:
    """What no browser sends of `key`, where `meant` is sent."""
    written = _written(key)
    scheme = meant.partition("://")[0]
    checks = {
        "it has blanks around it": key != key.strip(),
        "it has no scheme": "://" not in key and meant != "null",
        "a WebSocket is opened by a page, and has its origin": written.scheme.lower()
        in _PAGE_SCHEMES,
        "it has a user name": written.user,
        "it ends in a slash": written.tail == "/",
        "it has a path, a query or a fragment": written.tail not in ("", "/"),
        "it is not in lower case": written.scheme != written.scheme.lower()
        or (written.host != written.host.lower() and written.host not in meant),
        "its host is not in Punycode": not written.host.isascii(),
        "it has the default port of its scheme": written.host.endswith(
            f":{_DEFAULT_PORTS.get(scheme)}"
        ),
    }
    made = [mistake for mistake, is_made in checks.items() if is_made]
    return made or ["its address or its port is written another way"]


def origins_listed(text: str) -> list[str]:
    """The origins that a list in one text means; none if it is not such a list."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    origins = [origin for part in parts if "://" in part and (origin := _serialized(part))]
    return origins if len(origins) == len(parts) > 1 else []


def is_loopback(origin: str) -> bool:
    """Whether nobody is on the way to the pages of an ``http`` origin or pattern."""
    return _LOOPBACK.fullmatch(origin) is not None
