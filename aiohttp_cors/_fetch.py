"""Facts and grammar of the Fetch Standard and RFC 9110, on plain strings.

Section names in the comments are those of the Fetch Standard (https://fetch.spec.whatwg.org)
unless another document is named. Header names are in lower case here.
"""

import re
from collections.abc import Iterable, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import TypeAlias

#: Header list: names as they were written, with their values, in order
HeaderList: TypeAlias = Sequence[tuple[str, str]]

# RFC 9110, 5.6.2
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# What an Origin header may hold: printable ASCII without a blank or a comma. Both would make
# the value a list, and no browser sends one.
_ORIGIN = re.compile(r"[!-+\--~]+")

# HTTP whitespace
_HTTP_WHITESPACE = "\t\n\r "

# Header value, without what "normalize" takes off its ends. A page's value is a byte string, so
# that no character is beyond U+00FF.
_HEADER_VALUE = re.compile(r"[^\0\r\n\u0100-\U0010ffff]*")

# Collect an HTTP quoted string, which may lack its end
_QUOTED_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)

# CORS-unsafe request-header byte
_UNSAFE_BYTE = re.compile(r'[\0-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')

# CORS-safelisted request-header, `accept-language` and `content-language`
_LANGUAGE = re.compile(r"[0-9A-Za-z *,\-.;=]*")

# Parse a single range header value, without white space and with a start
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")

# The letters of a token. str.upper() would make tokens of other letters, such as the long s.
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)

# RFC 9111, 1.2.2: delta-seconds
_DELTA_SECONDS = re.compile(r"[0-9]+")

#: CORS-safelisted response-header name
SAFELISTED_RESPONSE_HEADERS = frozenset(
    {
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    }
)

#: Forbidden response-header name
FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2"})

#: RFC 9110, 7.6.1, with the names that RFC 2616, 13.5.1 had
HOP_BY_HOP_HEADERS = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

#: Forbidden method, in upper case
FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})

#: CORS-safelisted method
SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})

#: Methods, "normalize": those that are put into upper case, and no other
NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})

#: CORS-safelisted request-header, the names; each has a rule for its value too
SAFELISTED_REQUEST_HEADERS = frozenset(
    {"accept", "accept-language", "content-language", "content-type", "range"}
)

#: CORS-safelisted request-header, step 1: the most bytes that a safelisted value has
MAX_SAFELISTED_VALUE = 128

#: CORS-unsafe request-header names, step 5: the most bytes of all safelisted values together
MAX_SAFELISTED_VALUES = 1024

#: CORS-safelisted request-header, `content-type`: the essences
SAFELISTED_CONTENT_TYPES = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)

#: CORS non-wildcard request-header name: never covered by `*`
NON_WILDCARD_REQUEST_HEADERS = frozenset({"authorization"})

#: Request-body-header name: dropped when a redirect takes the body away
REQUEST_BODY_HEADERS = frozenset(
    {"content-encoding", "content-language", "content-location", "content-type"}
)

#: Redirect status
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

# Forbidden request-header, step 3
_METHOD_OVERRIDE_HEADERS = frozenset(
    {"x-http-method", "x-http-method-override", "x-method-override"}
)

#: Forbidden request-header, the names
FORBIDDEN_REQUEST_HEADERS = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)


def is_token(text: str) -> bool:
    """Whether `text` can be a method or a header name."""
    return _TOKEN.fullmatch(text) is not None


def is_origin(text: str) -> bool:
    """Whether `text` can be the value of an Origin header that names one origin."""
    return text != "*" and _ORIGIN.fullmatch(text) is not None


def is_forbidden_request_header(name: str) -> bool:
    """Whether a page may never set the header `name`, whatever its value."""
    name = name.lower()
    return name in FORBIDDEN_REQUEST_HEADERS or name.startswith(("proxy-", "sec-"))


def list_members(lines: Iterable[str]) -> list[str]:
    """The members of a list header that came in `lines`, in order, without the empty ones.

    RFC 9110, 5.6.1: members are separated by commas with optional blanks and tabs.
    """
    return [member for line in lines for part in line.split(",") if (member := part.strip(" \t"))]


def is_header_value(text: str) -> bool:
    """Whether `text`, normalized, can be the value of a header that a page sets."""
    return _HEADER_VALUE.fullmatch(text) is not None


def normalize_value(text: str) -> str:
    """`text` without white space at its ends (Header value, "normalize")."""
    return text.strip(_HTTP_WHITESPACE)


def normalize_method(method: str) -> str:
    """`method` in upper case if the standard changes it (Methods, "normalize").

    `get` becomes `GET`; `patch` stays, as browsers leave it.
    """
    upper = method.upper()
    return upper if upper in NORMALIZED_METHODS else method


def is_forbidden_method(method: str) -> bool:
    """Whether a page may never use `method`."""
    return method.upper() in FORBIDDEN_METHODS


def is_forbidden_request_header_value(name: str, value: str) -> bool:
    """Whether a page may not set the header `name` to `value` (Forbidden request-header).

    True for every value of a forbidden name, and for a forbidden method in a header that
    overrides the method.
    """
    if is_forbidden_request_header(name):
        return True
    if name.lower() not in _METHOD_OVERRIDE_HEADERS:
        return False
    # A quoted string may hold commas, and a member with one in it is no method.
    members = _QUOTED_STRING.sub('"', value).split(",")
    return any(is_forbidden_method(member.strip(" \t")) for member in members)


def is_safelisted_request_header(name: str, value: str) -> bool:
    """Whether a page may send this header without a preflight (CORS-safelisted request-header)."""
    if len(value) > MAX_SAFELISTED_VALUE:
        return False
    name = name.lower()
    if name in {"accept-language", "content-language"}:
        return _LANGUAGE.fullmatch(value) is not None
    if name == "range":
        return _is_simple_range(value)
    if _UNSAFE_BYTE.search(value):
        return False
    return name == "accept" or (
        name == "content-type" and _mime_essence(value) in SAFELISTED_CONTENT_TYPES
    )


def _is_simple_range(value: str) -> bool:
    match = _RANGE.fullmatch(value)
    if match is None:
        return False
    start, end = match.groups()
    return end == "" or int(start) <= int(end)


def _mime_essence(value: str) -> str:
    """What stands before the parameters (MIME Sniffing, "parse a MIME type").

    It is only looked up among well-formed ones, so that its own form does not matter.
    """
    return value.partition(";")[0].strip(_HTTP_WHITESPACE).lower()


def unsafe_request_header_names(headers: HeaderList) -> tuple[str, ...]:
    """The header names that need a preflight: in lower case, sorted, each once.

    Fetch, CORS-unsafe request-header names.
    """
    unsafe = [(n, v) for n, v in headers if not is_safelisted_request_header(n, v)]
    safelisted = sum(len(v) for _, v in headers) - sum(len(v) for _, v in unsafe)
    names = headers if safelisted > MAX_SAFELISTED_VALUES else unsafe
    return tuple(sorted({name.lower() for name, _ in names}))


def header_lines(headers: HeaderList, name: str) -> list[str]:
    """The value of each line of the header `name`, in order."""
    name = name.lower()
    return [value for header, value in headers if header.lower() == name]


def header_value(headers: HeaderList, name: str) -> str | None:
    """The value of the header `name`, all its lines joined (Header list, "get")."""
    values = header_lines(headers, name)
    return ", ".join(values) if values else None


def header_members(headers: HeaderList, name: str) -> list[str] | None:
    """The members of the list header `name`; None when the header is missing.

    Fetch, extract header list values, but that members are not checked: each must be a token.
    """
    values = header_lines(headers, name)
    return list_members(values) if values else None


def max_age(headers: HeaderList) -> int | None:
    """The seconds that Access-Control-Max-Age says; None when it is missing or says nothing."""
    values = header_lines(headers, "access-control-max-age")
    if len(values) != 1 or not _DELTA_SECONDS.fullmatch(values[0]):
        return None
    # RFC 9111, 1.2.2: a number that is too large counts as 2**31. Python refuses to read one of
    # thousands of digits.
    digits = values[0].lstrip("0")
    return int(digits or "0") if len(digits) < 10 else 2**31


def names_in(lines: Iterable[str]) -> set[str]:
    """The members of a list header as names in upper case, each once."""
    members = ",".join(lines).translate(_UPPER).split(",")
    return {name for member in members if (name := member.strip(" \t"))}
