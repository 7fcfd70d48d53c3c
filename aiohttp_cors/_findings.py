"""What is unwise in a config or can never work, as values.

A config is well-formed when it comes here; what it cannot say at all was a ValueError before.
Sections named in the comments are those of the Fetch Standard unless another document is named.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeAlias

from . import _fetch
from ._origins import OriginKey, is_wildcard, parse_wildcard
from ._serialize import is_loopback, mistakes, origin_meant, origins_listed

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

    from .resource_options import Names, ResourceOptions

__all__ = (
    "Code",
    "CorsConfigError",
    "Finding",
    "Inspector",
    "findings",
    "key_text",
)

#: What a layer holds.
Entries: TypeAlias = "Mapping[OriginKey, ResourceOptions | None]"

_log: Final = logging.getLogger("aiohttp_cors")


class Code(Enum):
    """The codes of findings. A number keeps its meaning for good; a new finding takes a new one."""

    NEVER_SENT = "CORS001"
    NO_ORIGIN = "CORS002"
    UNESCAPED_DOT = "CORS003"
    CREDENTIALS_FOR_ALL = "CORS010"
    CREDENTIALS_FOR_NULL = "CORS011"
    CREDENTIALS_OVER_HTTP = "CORS012"
    CREDENTIALS_UNDER_SUFFIX = "CORS013"
    SUFFIX_UNKNOWN = "CORS014"
    FORBIDDEN_METHOD = "CORS020"
    FORBIDDEN_REQUEST_HEADER = "CORS021"
    ORIGIN_LISTED = "CORS022"
    FORBIDDEN_RESPONSE_HEADER = "CORS023"
    STAR_IN_LIST = "CORS024"
    ALL_HEADERS_ALLOWED = "CORS025"
    ALL_HEADERS_EXPOSED = "CORS026"
    LONG_MAX_AGE = "CORS030"


_REMARKS: Final = frozenset(
    {
        Code.SUFFIX_UNKNOWN.value,
        Code.ORIGIN_LISTED.value,
        Code.ALL_HEADERS_ALLOWED.value,
        Code.ALL_HEADERS_EXPOSED.value,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing in a config that is unwise or can never work. ``str()`` of it is one line.

    :param code: ``CORS001`` and so on; a code never changes its meaning.
    :param place: the route or the layer that it stands in.
    :param origin: the key, as text; the first one where several have the same options.
    :param option: the name of the option, None if it is about the key.
    :param value: what the option has, or the name in it that matters; the key itself if it is
        about the key.
    :param reason: why it is one.
    :param remedy: what to write instead.
    """

    code: str
    place: str
    origin: str
    option: str | None = None
    value: str | int
    reason: str
    remedy: str

    @property
    def is_problem(self) -> bool:
        """False for a remark: nothing is wrong, and strict mode does not mind."""
        return self.code not in _REMARKS

    def __str__(self) -> str:
        about = "origin" if self.option is None else f"{self.option} {self.value!r} for"
        return f"{self.code} {self.place}: {about} {self.origin!r}: {self.reason}; {self.remedy}"


class CorsConfigError(ValueError):
    """A config has problems, and strict mode was asked for.

    :param findings: all of them, in the order of the config.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__(self.findings)

    def __str__(self) -> str:
        return "\n".join(["the CORS config has problems:", *map(str, self.findings)])


class Inspector:
    """Reports the findings on the configs of one application, each of them once.

    :param strict: raise the problems instead.
    """

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._logged: set[tuple[str, str, str | None, str | int]] = set()

    def inspect(self, layers: Mapping[str, Entries]) -> None:
        """Report what is found in `layers`, which are mapped to by their places.

        :raises CorsConfigError: there are problems, and they are to be raised.
        """
        found = [one for place, layer in layers.items() for one in findings(layer, place)]
        problems = [one for one in found if one.is_problem]
        if problems and self._strict:
            raise CorsConfigError(problems)
        for one in found:
            said = one.code, one.origin, one.option, one.value
            if said not in self._logged:
                self._logged.add(said)
                _log.log(logging.WARNING if one.is_problem else logging.INFO, "%s", one)

    def inspect_defaults(self, entries: Entries) -> None:
        """Report what is found in the defaults.

        :raises CorsConfigError: there are problems, and they are to be raised.
        """
        self.inspect({"defaults": entries})


def findings(layer: Entries, place: str) -> Iterator[Finding]:
    """Find what is unwise in a layer or can never work.

    Options that several keys have are looked at once, with the first of the keys.

    :param place: what the layer belongs to, as it shall be named.
    """
    seen: set[ResourceOptions] = set()
    for key, options in layer.items():
        found = partial(Finding, place=place, origin=key_text(key))
        yield from _in_key(key, found)
        if options is None:
            continue
        if options.allow_credentials:
            yield from _in_credentials(key, found)
        if options not in seen:
            seen.add(options)
            yield from _in_options(options, found)
    yield from _unchecked(layer, place)


def key_text(key: OriginKey) -> str:
    """A key as it can be shown: itself, the source of an expression, the name of a callable."""
    if isinstance(key, str):
        return key
    if isinstance(key, re.Pattern):
        return _compiled(key.pattern)
    name: str = getattr(key, "__qualname__", type(key).__qualname__)
    return name


def _compiled(pattern: str) -> str:
    return f"re.compile(r'{pattern}')"


# Keys

# An expression for the subdomains of a host, or for a host alone, with dots escaped or not.
_HOST_IN_EXPRESSION: Final = re.compile(
    r"""
    \^?https?\??://
    (?: [^/()|]* (?: [*+?] | \([^/()]*\)\?? ) )?  # what stands for many labels
    (?P<host> (?:\\?\.)? [\w-]+ (?:\\?\.[\w-]+)+ )
    (?: [$:(] .* )?
    """,
    re.ASCII | re.VERBOSE,
)

# The last dot does not count: with another character for it there is no top-level domain.
_UNESCAPED_DOT: Final = re.compile(r"(?<!\\)\.(?=.*\.)")

# RFC 2606, 2: nobody has such a name, so what matches it matches the names of all.
_ANYBODY: Final = ("https://anybody.invalid", "http://anybody.invalid")


def _in_key(key: OriginKey, found: partial[Finding]) -> Iterator[Finding]:
    if isinstance(key, re.Pattern):
        yield from _in_expression(key, found)
    elif isinstance(key, str) and key != "*":
        meant = origin_meant(key)
        if meant is None:
            yield found(
                code=Code.NO_ORIGIN.value,
                value=key,
                reason="it is not an origin, and matches nothing",
                remedy=_apart(key),
            )
        elif meant != key:
            yield found(
                code=Code.NEVER_SENT.value,
                value=key,
                reason=f"no browser sends such an origin: {', '.join(mistakes(key, meant))}",
                remedy=f"did you mean {meant!r}?",
            )


def _in_expression(key: re.Pattern[str], found: partial[Finding]) -> Iterator[Finding]:
    match = _HOST_IN_EXPRESSION.fullmatch(key.pattern)
    if match is None or not _UNESCAPED_DOT.search(match["host"]):
        return
    start, end = match.span("host")
    host = re.sub(r"\\?\.", r"\\.", match["host"])
    yield found(
        code=Code.UNESCAPED_DOT.value,
        value=key.pattern,
        reason="a dot that is not escaped matches any character, and so the hosts of others",
        remedy=f"did you mean {_compiled(key.pattern[:start] + host + key.pattern[end:])}?",
    )


def _apart(key: str) -> str:
    origins = origins_listed(key)
    if origins:
        return f"did you mean the keys {', '.join(map(repr, origins))}?"
    return "write scheme, host and, if need be, port, as in 'https://app.example.com'"


# Credentials


def _in_credentials(key: OriginKey, found: partial[Finding]) -> Iterator[Finding]:
    found = partial(found, option="allow_credentials", value=True)
    if _matches_all(key):
        # CORS protocol and credentials: `*` and credentials exclude each other. Here the origin
        # is echoed, so that a browser does not refuse them.
        yield found(
            code=Code.CREDENTIALS_FOR_ALL.value,
            reason="any page on the web can read whatever its visitors can, with their cookies",
            remedy="name the origins that may, or leave allow_credentials out",
        )
        return
    origin = _granted(key)
    if origin == "null":
        # HTML, opaque origin: a sandboxed frame, which any page can make, has this one.
        yield found(
            code=Code.CREDENTIALS_FOR_NULL.value,
            reason="any page on the web can take the origin 'null', and read whatever its visitors "
            "can, with their cookies",
            remedy="serve the page from an origin of its own, or leave allow_credentials out",
        )
    elif origin.startswith("http://") and not is_loopback(origin):
        yield found(
            code=Code.CREDENTIALS_OVER_HTTP.value,
            reason="whoever is on the way to such a page can change it, and read whatever its "
            "visitors can, with their cookies",
            remedy=f"serve the page over HTTPS, and name {'https' + origin.removeprefix('http')!r}",
        )
    host = _parent_host(key)
    suffixes = None if host is None else _suffixes()
    if host is not None and suffixes is not None and suffixes.is_public(host):
        yield found(
            code=Code.CREDENTIALS_UNDER_SUFFIX.value,
            reason=f"anybody can get a name under {host!r}, which is a public suffix",
            remedy="name the domains that are yours, or leave allow_credentials out",
        )


def _matches_all(key: OriginKey) -> bool:
    if isinstance(key, re.Pattern):
        return any(map(key.fullmatch, _ANYBODY))
    return key == "*"


def _granted(key: OriginKey) -> str:
    """The origin or the pattern that is granted credentials; empty if only requests tell."""
    if isinstance(key, re.Pattern):
        return "null" if key.fullmatch("null") else ""
    return (origin_meant(key) or "") if isinstance(key, str) else ""


def _parent_host(key: OriginKey) -> str | None:
    """The host that `key` grants all the subdomains of."""
    if not isinstance(key, str) or not is_wildcard(key):
        return None
    pattern = parse_wildcard(key)
    return pattern.host if pattern.subdomains else None


def _unchecked(layer: Entries, place: str) -> Iterator[Finding]:
    for key, options in layer.items():
        if options is None or not options.allow_credentials or _parent_host(key) is None:
            continue
        if _suffixes() is None:
            yield Finding(
                code=Code.SUFFIX_UNKNOWN.value,
                place=place,
                origin=key_text(key),
                option="allow_credentials",
                value=True,
                reason="whether this is a public suffix was not checked, there is no list of them",
                remedy="pip install aiohttp-cors[psl]",
            )
        return


@cache
def _suffixes() -> PublicSuffixList | None:
    """The list at https://publicsuffix.org; None without the extra `psl`.

    Nobody can register a name that ends in none of them, such as those of a company's network.
    """
    try:
        library = import_module("publicsuffixlist")
    except ImportError:
        return None
    suffixes: PublicSuffixList = library.PublicSuffixList(accept_unknown=False)
    return suffixes


# Options

_LONGEST_MAX_AGE: Final = 86400


def _in_options(options: ResourceOptions, found: partial[Finding]) -> Iterator[Finding]:
    yield from _in_methods(options, found)
    yield from _in_allow_headers(options, found)
    yield from _in_expose_headers(options, found)
    if options.max_age is not None and options.max_age > _LONGEST_MAX_AGE:
        # CORS-preflight cache: user agents may have a limit.
        yield found(
            code=Code.LONG_MAX_AGE.value,
            option="max_age",
            value=options.max_age,
            reason="Firefox keeps the answer to a preflight for 86400 seconds at most, "
            "Chromium for 7200",
            remedy=f"write {_LONGEST_MAX_AGE} or less",
        )


def _in_methods(options: ResourceOptions, found: partial[Finding]) -> Iterator[Finding]:
    found = partial(found, option="allow_methods")
    for method in _listed(options.allow_methods):
        if method == "*":
            yield _star_in_list("allow_methods", found)
        elif _fetch.is_forbidden_method(method):
            yield found(
                code=Code.FORBIDDEN_METHOD.value,
                value=method,
                reason="browsers let no page send it",
                remedy="leave it out",
            )


def _in_allow_headers(options: ResourceOptions, found: partial[Finding]) -> Iterator[Finding]:
    found = partial(found, option="allow_headers")
    for name in _listed(options.allow_headers):
        if name == "*":
            yield _star_in_list("allow_headers", found)
        elif name == "ORIGIN":
            # It stands in the lists of many: the WebKit of 2010 asked for it in preflights.
            yield found(
                code=Code.ORIGIN_LISTED.value,
                value=name,
                reason="the browser sets it itself, and needs no permission",
                remedy="it can be left out",
            )
        elif _fetch.is_forbidden_request_header(name):
            cookie = name in ("COOKIE", "COOKIE2")
            yield found(
                code=Code.FORBIDDEN_REQUEST_HEADER.value,
                value=name,
                reason="browsers let no page set it",
                remedy="did you mean allow_credentials=True?" if cookie else "leave it out",
            )
    if options.allow_headers == "*" and options.allow_credentials:
        # CORS protocol and credentials; CORS non-wildcard request-header name.
        yield found(
            code=Code.ALL_HEADERS_ALLOWED.value,
            value="*",
            reason="in the header itself '*' means no name with credentials and never "
            "Authorization; here all names that are asked for are granted, Authorization too",
            remedy="list the names if that is more than you want",
        )


def _in_expose_headers(options: ResourceOptions, found: partial[Finding]) -> Iterator[Finding]:
    found = partial(found, option="expose_headers")
    for name in _listed(options.expose_headers):
        if name == "*":
            yield _star_in_list("expose_headers", found)
        elif name.lower() in _fetch.FORBIDDEN_RESPONSE_HEADERS:
            yield found(
                code=Code.FORBIDDEN_RESPONSE_HEADER.value,
                value=name,
                reason="browsers let no page read it",
                remedy="leave it out; with allow_credentials=True the browser keeps the cookie",
            )
    if options.expose_headers == "*" and options.allow_credentials:
        # CORS protocol and credentials; main fetch, where the names to expose are extracted.
        yield found(
            code=Code.ALL_HEADERS_EXPOSED.value,
            value="*",
            reason="in the header itself '*' means no name with credentials; here the names of "
            "the response are listed, so that the page can read all of them",
            remedy="list the names if that is more than you want",
        )


def _listed(names: Names | None) -> list[str]:
    return sorted(names) if isinstance(names, frozenset) else []


def _star_in_list(option: str, found: partial[Finding]) -> Finding:
    return found(
        code=Code.STAR_IN_LIST.value,
        value="*",
        reason="in a list it is a name like any other",
        remedy=f"did you mean {option}='*'?",
    )
