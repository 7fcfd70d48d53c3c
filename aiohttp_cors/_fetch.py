"""Facts and grammar of the Fetch Standard and RFC 9110, on plain strings.

Section names in the comments are those of the Fetch Standard (https://fetch.spec.whatwg.org)
unless another document is named. Header names are in lower case here.
"""

import re
from collections.abc import Iterable

# RFC 9110, 5.6.2
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# What an Origin header may hold: printable ASCII without a blank or a comma. Both would make
# the value a list, and no browser sends one.
_ORIGIN = re.compile(r"[!-+\--~]+")

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
    return [
        member for line in lines for part in line.split(",") if (member := part.strip(" \t"))
    ]
