"""What a browser decides about one fetch, as pure functions on plain values.

Nothing here sends anything: :mod:`aiohttp_cors.testing` asks these functions what to send and
what an answer means, and the `explain` command asks them about a configuration. Sections and
step numbers are those of the Fetch Standard, Review Draft of June 2026.

In the order of a fetch::

    new_request          what a page asked for -> Request, or the reason why a browser throws
    judge_request        may it be sent at all?
    preflight_reasons    is a preflight needed, and because of what?
    preflight_headers    what the preflight carries
    judge_preflight      its answer -> Grant, or the reason why it is refused
    PreflightCache       which grants are remembered, and for how long
    request_headers      what the actual request carries
    judge_response       may the page read the answer, or a redirect be followed?
    redirected           the answer is a redirect -> the next Request, or why it is refused
    readable_headers     the headers of the answer that the page sees
"""

from collections.abc import AsyncIterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from yarl import URL

from . import _fetch
from ._fetch import HeaderList

#: Credentials mode; between different origins `same-origin` is the same as `omit`
Credentials: TypeAlias = Literal["omit", "same-origin", "include"]

#: The modes that are understood here
Mode: TypeAlias = Literal["cors", "same-origin"]

#: A body that is not bytes is a stream, which can be sent once
Body: TypeAlias = bytes | AsyncIterable[bytes]

#: Seconds that a grant is remembered without Access-Control-Max-Age (CORS-preflight fetch,
#: step 7.9)
DEFAULT_MAX_AGE = 5

#: Seconds that a grant is remembered at most. The standard leaves the limit to the browser: this
#: is Chromium's; Firefox has 86400.
MAX_MAX_AGE = 7200

#: HTTP-redirect fetch, step 7
MAX_REDIRECTS = 20

_DEFAULT_PORTS = {"http": 80, "https": 443}

_ORIGIN = "Origin"
_ALLOW_ORIGIN = "Access-Control-Allow-Origin"
_ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"
_ALLOW_METHODS = "Access-Control-Allow-Methods"
_ALLOW_HEADERS = "Access-Control-Allow-Headers"
_EXPOSE_HEADERS = "Access-Control-Expose-Headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a browser refuses something, or why it sends a preflight."""

    #: Section and step of the Fetch Standard
    step: str
    #: What was found, in one line
    text: str
    #: The header to blame, if there is one
    header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of a page, at one point of its way through redirects."""

    #: URL list: where it went and, last, where it goes
    urls: tuple[URL, ...]
    #: The page's origin, serialized; `null` for one that cannot be named
    origin: str
    method: str = "GET"
    headers: HeaderList = ()
    body: Body | None = None
    credentials: Credentials = "same-origin"
    mode: Mode = "cors"
    use_cors_preflight: bool = False

    @property
    def url(self) -> URL:
        """Where the request goes now (Current URL)."""
        return self.urls[-1]

    @property
    def is_cross_origin(self) -> bool:
        """Whether the request ever left the page's origin (Response tainting is `cors`)."""
        return self.origin == "null" or any(
            serialize_origin(url) != self.origin for url in self.urls
        )

    @property
    def serialized_origin(self) -> str:
        """The value of the Origin header (Serializing a request origin).

        `null` after a redirect from one foreign origin to another (Redirect-taint).
        """
        for last, url in pairwise(map(serialize_origin, self.urls)):
            if last not in (url, self.origin):
                return "null"
        return self.origin

    @property
    def includes_credentials(self) -> bool:
        """Whether the credentials mode is `include`, which takes the meaning from every `*`."""
        return self.credentials == "include"

    @property
    def sends_credentials(self) -> bool:
        """Whether cookies are sent and stored (HTTP-network-or-cache fetch, step 8.3)."""
        return self.includes_credentials or (
            self.credentials == "same-origin" and not self.is_cross_origin
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the answer to a preflight allows."""

    methods: tuple[str, ...]
    headers: tuple[str, ...]
    #: Seconds
    max_age: int


def serialize_origin(url: URL) -> str:
    """The origin of `url`; `null` if it is opaque (HTML, "serialization of an origin")."""
    host = url.raw_host
    if not host:
        return "null"
    host = f"[{host}]" if ":" in host else host
    port = url.explicit_port
    if port is None or port == _DEFAULT_PORTS.get(url.scheme):
        return f"{url.scheme}://{host}"
    return f"{url.scheme}://{host}:{port}"


def new_request(
    url: URL,
    *,
    origin: str,
    method: str = "GET",
    headers: HeaderList = (),
    body: str | Body | None = None,
    credentials: Credentials = "same-origin",
    mode: Mode = "cors",
    upload_listeners: bool = False,
) -> Request | Reason:
    """The request that `fetch()` makes of its arguments, or why it throws.

    The method is normalized, and forbidden headers are dropped. A `str` as body brings its
    Content-Type along, as in a browser. A body that is a stream, and upload listeners of
    XMLHttpRequest, set the use-CORS-preflight flag.
    """
    # Request class, new Request()
    if _has_credentials(url):
        return Reason(step="new Request(), step 5.3", text="a URL with a user name or password")
    if not _fetch.is_token(method):
        return Reason(step="new Request(), step 25.2", text=f"{method!r} is not a method")
    if _fetch.is_forbidden_method(method):
        return Reason(step="new Request(), step 25.2", text=f"{method!r} is a forbidden method")
    method = _fetch.normalize_method(method)
    if body is not None and method in {"GET", "HEAD"}:
        return Reason(step="new Request(), step 35", text=f"{method} with a body")

    kept = _set_headers(headers)
    if isinstance(kept, Reason):
        return kept
    if isinstance(body, str):
        body = body.encode()
        if _fetch.header_value(kept, "content-type") is None:
            kept.append(("Content-Type", "text/plain;charset=UTF-8"))
    return Request(
        urls=(url,),
        origin=origin,
        method=method,
        headers=tuple(kept),
        body=body,
        credentials=credentials,
        mode=mode,
        use_cors_preflight=upload_listeners or isinstance(body, AsyncIterable),
    )


def _has_credentials(url: URL) -> bool:
    """URL, "includes credentials"."""
    return bool(url.raw_user or url.raw_password)


def _set_headers(headers: HeaderList) -> list[tuple[str, str]] | Reason:
    """The headers that a page gets to set: what is malformed throws, what is forbidden is dropped.

    Fetch, Headers class, append and validate.
    """
    kept: list[tuple[str, str]] = []
    written: dict[str, str] = {}
    for name, potential_value in headers:
        value = _fetch.normalize_value(potential_value)
        if not (_fetch.is_token(name) and _fetch.is_header_value(value)):
            text = f"{name!r}: {value!r} is not a header"
            return Reason(step="Headers, validate, step 1", text=text, header=name)
        if not _fetch.is_forbidden_request_header_value(name, value):
            # Header list, append: a name stays as it was written first
            kept.append((written.setdefault(name.lower(), name), value))
    return kept


def judge_request(request: Request) -> Reason | None:
    """Why `request` may not be sent at all (Main fetch, step 12)."""
    if request.url.scheme not in _DEFAULT_PORTS:
        text = f"the scheme {request.url.scheme!r} is not http or https"
        return Reason(step="Main fetch, step 12", text=text)
    if request.mode == "same-origin" and request.is_cross_origin:
        text = f"the URL is not of the origin {request.origin}, and the mode is same-origin"
        return Reason(step="Main fetch, step 12", text=text)
    return None


def preflight_reasons(request: Request) -> tuple[Reason, ...]:
    """Everything because of which `request` needs a preflight; empty if it needs none.

    Fetch, Main fetch, step 12.
    """
    if not request.is_cross_origin:
        return ()
    step = "Main fetch, step 12"
    reasons: list[Reason] = []
    if request.use_cors_preflight:
        reasons.append(Reason(step=step, text="the upload is a stream, or is listened to"))
    if request.method not in _fetch.SAFELISTED_METHODS:
        text = f"the method {request.method!r} is not CORS-safelisted"
        reasons.append(Reason(step=step, text=text))
    reasons += [
        Reason(step=step, text=_why_unsafe(request.headers, name), header=name)
        for name in _fetch.unsafe_request_header_names(request.headers)
    ]
    return tuple(reasons)


def _why_unsafe(headers: HeaderList, name: str) -> str:
    """Why the header `name`, in lower case, is among the unsafe ones."""
    if name not in _fetch.SAFELISTED_REQUEST_HEADERS:
        return f"the request header {name!r} is not CORS-safelisted"
    for header, value in headers:
        if header.lower() == name and not _fetch.is_safelisted_request_header(header, value):
            return f"the value {value!r} of the request header {name!r} is not CORS-safelisted"
    return f"the CORS-safelisted request headers have over {_fetch.MAX_SAFELISTED_VALUES} bytes"


def preflight_headers(request: Request) -> dict[str, str]:
    """The headers of the preflight of `request`, which is an OPTIONS request without credentials.

    Fetch, CORS-preflight fetch, steps 2 to 5.
    """
    headers = {"Accept": "*/*", "Access-Control-Request-Method": request.method}
    names = _fetch.unsafe_request_header_names(request.headers)
    if names:
        headers["Access-Control-Request-Headers"] = ",".join(names)
    headers[_ORIGIN] = request.serialized_origin
    return headers


def request_headers(request: Request) -> HeaderList:
    """The headers of the actual request that follow from the standard, but for cookies."""
    headers = list(request.headers)
    # Fetch, step "If request's header list does not contain `Accept`"
    if _fetch.header_value(headers, "accept") is None:
        headers.append(("Accept", "*/*"))
    # HTTP-network-or-cache fetch, step 8.19
    if _fetch.header_value(headers, "range") is not None:
        headers.append(("Accept-Encoding", "identity"))
    # Append a request `Origin` header
    if request.is_cross_origin or request.method not in {"GET", "HEAD"}:
        headers.append((_ORIGIN, request.serialized_origin))
    return tuple(headers)


def cors_check(origin: str, *, credentials: bool, headers: HeaderList) -> Reason | None:
    """Why an answer with `headers` may not be shared with `origin` (CORS check).

    :param credentials: whether the credentials mode is `include`
    """
    allowed = _fetch.header_value(headers, _ALLOW_ORIGIN)
    if allowed is None:
        text = f"{_ALLOW_ORIGIN} is missing"
        return Reason(step="CORS check, step 2", text=text, header=_ALLOW_ORIGIN)
    if allowed == "*" and not credentials:
        return None
    if allowed != origin:
        text = f"{_ALLOW_ORIGIN} is {allowed!r}, not {origin!r}"
        if allowed == "*":
            text += "; '*' does not cover requests with credentials"
        return Reason(step="CORS check, step 4", text=text, header=_ALLOW_ORIGIN)
    if not credentials:
        return None
    allowed = _fetch.header_value(headers, _ALLOW_CREDENTIALS)
    if allowed == "true":
        return None
    text = f"{_ALLOW_CREDENTIALS} is " + ("missing" if allowed is None else f"{allowed!r}")
    text += ", not 'true', and the request has credentials"
    return Reason(step="CORS check, step 8", text=text, header=_ALLOW_CREDENTIALS)


def judge_preflight(request: Request, status: int, headers: HeaderList) -> Grant | Reason:
    """What the answer to the preflight of `request` allows, or why it is refused.

    Fetch, CORS-preflight fetch, step 7.
    """
    refusal = cors_check(
        request.serialized_origin, credentials=request.includes_credentials, headers=headers
    )
    if refusal is not None:
        return refusal
    if not 200 <= status <= 299:
        text = f"the preflight was answered with status {status}, not 200 to 299"
        if status in _fetch.REDIRECT_STATUSES:
            text += "; redirects of preflights are not followed"
        return Reason(step="CORS-preflight fetch, step 7", text=text)

    methods = _fetch.header_members(headers, _ALLOW_METHODS)
    names = _fetch.header_members(headers, _ALLOW_HEADERS)
    for header, members in ((_ALLOW_METHODS, methods), (_ALLOW_HEADERS, names)):
        for member in members or ():
            if not _fetch.is_token(member):
                text = f"{header} has {member!r}, which is not a token"
                return Reason(step="CORS-preflight fetch, step 7.3", text=text, header=header)

    if methods is None and request.use_cors_preflight:
        methods = [request.method]
    grant = Grant(
        methods=tuple(methods or ()),
        headers=tuple(name.lower() for name in names or ()),
        max_age=_max_age(headers),
    )
    return _refusal_of_method(request, grant) or _refusal_of_headers(request, grant) or grant


def _max_age(headers: HeaderList) -> int:
    """CORS-preflight fetch, steps 7.8 to 7.10."""
    seconds = _fetch.max_age(headers)
    return DEFAULT_MAX_AGE if seconds is None else min(seconds, MAX_MAX_AGE)


def _refusal_of_method(request: Request, grant: Grant) -> Reason | None:
    if request.method in grant.methods or request.method in _fetch.SAFELISTED_METHODS:
        return None
    if "*" in grant.methods and not request.includes_credentials:
        return None
    text = f"{request.method!r} is not in {_ALLOW_METHODS}: {_listed(grant.methods)}"
    if "*" in grant.methods:
        text += "; '*' does not cover requests with credentials"
    elif request.method.upper() in grant.methods:
        text += "; methods are compared with regard to case"
    return Reason(step="CORS-preflight fetch, step 7.5", text=text, header=_ALLOW_METHODS)


def _refusal_of_headers(request: Request, grant: Grant) -> Reason | None:
    # The standard looks at the non-wildcard names of the whole header list first, in a step of
    # their own. They are never safelisted, so that they are among the unsafe ones.
    unsafe = _fetch.unsafe_request_header_names(request.headers)
    missing = [name for name in unsafe if name not in grant.headers]
    for name in missing:
        if name in _fetch.NON_WILDCARD_REQUEST_HEADERS:
            text = f"{name!r} is not in {_ALLOW_HEADERS}: {_listed(grant.headers)}"
            if "*" in grant.headers:
                text += "; '*' never covers it"
            step = "CORS-preflight fetch, step 7.6"
            return Reason(step=step, text=text, header=_ALLOW_HEADERS)
    wildcard = "*" in grant.headers
    if not missing or (wildcard and not request.includes_credentials):
        return None
    text = f"{missing[0]!r} is not in {_ALLOW_HEADERS}: {_listed(grant.headers)}"
    if wildcard:
        text += "; '*' does not cover requests with credentials"
    return Reason(step="CORS-preflight fetch, step 7.7", text=text, header=_ALLOW_HEADERS)


def _listed(members: tuple[str, ...]) -> str:
    return ", ".join(members) or "(none)"


def judge_response(request: Request, headers: HeaderList) -> Reason | None:
    """Why the page may not use the answer to the actual request (HTTP fetch, step 4.4)."""
    if not request.is_cross_origin:
        return None
    return cors_check(
        request.serialized_origin, credentials=request.includes_credentials, headers=headers
    )


def redirected(request: Request, status: int, headers: HeaderList) -> Request | Reason | None:
    """The request that follows a redirect, or why it is not followed; None if there is none.

    Fetch, HTTP-redirect fetch. The CORS check of the redirect itself comes before.
    """
    lines = _fetch.header_lines(headers, "location")
    if status not in _fetch.REDIRECT_STATUSES or not lines:
        return None
    target = _location_url(request.url, lines)
    if target is None:
        text = f"{', '.join(lines)!r} is not a URL"
        return Reason(step="HTTP-redirect fetch, step 5", text=text, header="Location")
    refusal = _refusal_of_redirect(request, status, target)
    if refusal is not None:
        return refusal

    following = replace(request, urls=(*request.urls, target))
    if (status in {301, 302} and request.method == "POST") or (
        status == 303 and request.method not in {"GET", "HEAD"}
    ):
        kept = _without(request.headers, _fetch.REQUEST_BODY_HEADERS)
        following = replace(following, method="GET", body=None, headers=kept)
    if serialize_origin(request.url) != serialize_origin(target):
        kept = _without(following.headers, _fetch.NON_WILDCARD_REQUEST_HEADERS)
        following = replace(following, headers=kept)
    return following


def _location_url(base: URL, lines: list[str]) -> URL | None:
    """Response, "location URL"."""
    if len(lines) > 1:
        return None
    try:
        target = base.join(URL(lines[0]))
    except ValueError:
        return None
    return target if target.raw_fragment else target.with_fragment(base.fragment or None)


def _refusal_of_redirect(request: Request, status: int, target: URL) -> Reason | None:
    origin = serialize_origin(target)
    has_credentials = _has_credentials(target)
    step = "HTTP-redirect fetch, step "
    if target.scheme not in _DEFAULT_PORTS:
        text = f"a redirect to the scheme {target.scheme!r}"
        return Reason(step=step + "6", text=text, header="Location")
    if len(request.urls) > MAX_REDIRECTS:
        text = f"more than {MAX_REDIRECTS} redirects"
        return Reason(step=step + "7", text=text, header="Location")
    if has_credentials and request.mode == "cors" and request.origin != origin:
        text = "a redirect to a URL with a user name or password, of another origin"
        return Reason(step=step + "9", text=text, header="Location")
    if has_credentials and request.is_cross_origin:
        text = "a redirect of another origin to a URL with a user name or password"
        return Reason(step=step + "10", text=text, header="Location")
    if status != 303 and isinstance(request.body, AsyncIterable):
        text = "a redirect of a stream, which cannot be sent again"
        return Reason(step=step + "11", text=text)
    return None


def _without(headers: HeaderList, names: frozenset[str]) -> HeaderList:
    return tuple(header for header in headers if header[0].lower() not in names)


def readable_headers(request: Request, headers: HeaderList) -> HeaderList:
    """The headers of the answer that the page sees, in their order.

    Fetch, Main fetch, step 14; CORS filtered response; basic filtered response.
    """
    visible = _without(headers, _fetch.FORBIDDEN_RESPONSE_HEADERS)
    if not request.is_cross_origin:
        return visible
    exposed = {name.lower() for name in _exposed_names(headers)}
    if "*" in exposed and not request.includes_credentials:
        return visible
    exposed |= _fetch.SAFELISTED_RESPONSE_HEADERS
    return tuple(header for header in visible if header[0].lower() in exposed)


def _exposed_names(headers: HeaderList) -> list[str]:
    """The names in Access-Control-Expose-Headers; none if one of them is malformed."""
    names = _fetch.header_members(headers, _EXPOSE_HEADERS) or []
    return names if all(map(_fetch.is_token, names)) else []


_Kind: TypeAlias = Literal["method", "header"]


class _Entry(NamedTuple):
    """CORS-preflight cache, a cache entry; its network partition key is the cache itself."""

    origin: str
    url: URL
    credentials: bool
    kind: _Kind
    name: str


class PreflightCache:
    """What answers to preflights have allowed, each for its time (CORS-preflight cache).

    Times are seconds of any clock that does not go back.
    """

    def __init__(self) -> None:
        self._expiries: dict[_Entry, float] = {}

    def covers(self, request: Request, now: float) -> bool:
        """Whether `request` can do without its preflight (HTTP fetch, step 4.1)."""
        needs_method = request.method not in _fetch.SAFELISTED_METHODS or request.use_cors_preflight
        if needs_method and not self._matches(request, "method", request.method, now):
            return False
        return all(
            self._matches(request, "header", name, now)
            for name in _fetch.unsafe_request_header_names(request.headers)
        )

    def store(self, request: Request, grant: Grant, now: float) -> None:
        """Remember `grant`, the answer to the preflight of `request`.

        Fetch, CORS-preflight fetch, steps 7.12 to 7.15.
        """
        for method in grant.methods:
            self._remember(request, "method", method, now, grant.max_age)
        for header in grant.headers:
            self._remember(request, "header", header, now, grant.max_age)

    def clear(self, request: Request) -> None:
        """Forget everything about the URL of `request` (Clear cache entries)."""
        key = (request.serialized_origin, request.url)
        self._expiries = {
            entry: expiry
            for entry, expiry in self._expiries.items()
            if (entry.origin, entry.url) != key
        }

    def _remember(self, request: Request, kind: _Kind, name: str, now: float, max_age: int) -> None:
        # The standard would store a "*" that came with credentials, where it means nothing. An
        # entry may be removed at any time, so this one is not stored at all.
        if name == "*" and request.includes_credentials:
            return
        own = _Entry(
            origin=request.serialized_origin,
            url=request.url,
            credentials=request.includes_credentials,
            kind=kind,
            name=name,
        )
        for entry in self._matches(request, kind, name, now) or [own]:
            self._expiries[entry] = now + max_age

    def _matches(self, request: Request, kind: _Kind, name: str, now: float) -> list[_Entry]:
        """Cache entry match, method cache entry match, header-name cache entry match."""
        names = {name, "*"} - ({"*"} if name in _fetch.NON_WILDCARD_REQUEST_HEADERS else set())
        return [
            entry
            for entry, expiry in self._expiries.items()
            if now < expiry
            and (entry.origin, entry.url) == (request.serialized_origin, request.url)
            and (entry.credentials or not request.includes_credentials)
            and entry.kind == kind
            and entry.name in names
        ]
