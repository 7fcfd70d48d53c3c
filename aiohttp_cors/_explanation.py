"""What becomes of a request that a page makes, and why: a value that can be read and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from ._fetch import SAFELISTED_RESPONSE_HEADERS, HeaderList
from ._mend import Mend
from ._text import Line, code, joined, wrapped

__all__ = ("Blocked", "Exchange", "Explanation", "Mend")

#: Of the dictionaries that `to_dict` makes. It grows when something is taken out or changed.
VERSION: Final = 1

During: TypeAlias = Literal["request", "preflight", "actual"]

_SAFELISTED_NAMES: Final = {name.title() for name in SAFELISTED_RESPONSE_HEADERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that a browser sends, and the answer.

    :param kind: the preflight or the actual request.
    :param url: as it was asked for: a path, or a URL.
    :param status: of the answer; None where the handler would decide on it, which is not run.
    :param text: what the answer says, if it says why it refuses.
    """

    kind: Literal["preflight", "actual"]
    method: str
    url: str
    request_headers: HeaderList
    status: int | None
    response_headers: HeaderList
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The exchange as JSON has it."""
        return {
            "kind": self.kind,
            "request": {
                "method": self.method,
                "url": self.url,
                "headers": [[*header] for header in self.request_headers],
            },
            "response": {
                "status": self.status,
                "headers": [[*header] for header in self.response_headers],
                "text": self.text,
            },
        }

    def lines(self) -> Iterator[Line]:
        """The exchange as text."""
        yield from wrapped(f"{self.method} {self.url}", first="  > ", indent="      ")
        yield from _headers(self.request_headers, ">")
        if self.status is None:
            yield Line("  < (the handler answers; it is not run here)", "quiet")
        else:
            yield Line(f"  < {self.status}")
        yield from _headers(self.response_headers, "<")
        if self.text:
            yield from wrapped(self.text, first="  < ", indent="      ")


def _headers(headers: HeaderList, mark: str) -> Iterator[Line]:
    for name, value in headers:
        yield from wrapped(f"{name}: {value}", first=f"  {mark} ", indent="      ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why the page may not read the answer, and what would let it.

    :param during: what failed: the request as the page made it, its preflight, or itself.
    :param step: the rule of the Fetch Standard, with its section and step.
    :param text: what the browser found.
    :param reason: what the server says about it, or would.
    :param layer: what decided in the config: a route, a resource, a view, an application or the
        defaults; None where that cannot be known.
    :param nearest: what is configured that comes nearest.
    :param mend: the change that would allow it.
    """

    during: During
    step: str
    text: str
    reason: str = ""
    layer: str | None = None
    nearest: tuple[str, ...] = ()
    mend: Mend | None = None

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON has it."""
        return {
            "during": self.during,
            "step": self.step,
            "text": self.text,
            "reason": self.reason,
            "layer": self.layer,
            "nearest": [*self.nearest],
            "mend": None if self.mend is None else self.mend.to_dict(),
        }

    def lines(self) -> Iterator[Line]:
        """The verdict as text."""
        what = {
            "request": "The browser does not send it",
            "preflight": "Blocked: the preflight fails",
            "actual": "Blocked: the page may not read the answer",
        }
        yield Line(what[self.during], "bad")
        yield from _told("Found", self.text)
        yield from _told("Rule", f"Fetch, {self.step}")
        yield from _told("Server", self.reason)
        yield from _told("Layer", self.layer or "")
        for near in self.nearest:
            yield from _told("Nearest", near)
        if self.mend is not None:
            yield from _told("Mend", self.mend.text)
            yield from code(self.mend.python)
            for caution in self.mend.cautions:
                yield from _told("Caution", caution)


def _told(label: str, text: str) -> list[Line]:
    return wrapped(text, first=f"  {label + ':':<9}", indent=" " * 11) if text else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What becomes of a request that a page makes, as a browser decides it.

    ``str()`` of it is text in 80 columns; :meth:`to_dict` is for programs.

    :param method: as the browser sends it.
    :param url: as it was asked for: a path, or a URL.
    :param origin: the page's.
    :param credentials: whether the credentials mode is ``include``.
    :param headers: those that the page sets, as far as browsers let it.
    :param cross_origin: whether CORS has a say at all.
    :param because: why a preflight is needed; empty if none is.
    :param exchanges: what is sent and answered, in order.
    :param readable_headers: those that the page sees of the answer, in order; ``("*",)`` for all.
    :param hidden_headers: those that it does not see; None if the handler decides, which is not
        run.
    :param blocked: None if the page can read the answer.
    :param notes: what else is worth knowing.
    """

    method: str
    url: str
    origin: str
    credentials: bool
    headers: HeaderList
    cross_origin: bool
    because: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    readable_headers: tuple[str, ...] = ()
    hidden_headers: tuple[str, ...] | None = None
    blocked: Blocked | None = None
    notes: tuple[str, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether the page can read the answer."""
        return self.blocked is None

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON has it; ``version`` tells the form."""
        return {
            "version": VERSION,
            "request": {
                "method": self.method,
                "url": self.url,
                "origin": self.origin,
                "credentials": self.credentials,
                "headers": [[*header] for header in self.headers],
            },
            "cross_origin": self.cross_origin,
            "preflight": {"needed": bool(self.because), "because": [*self.because]},
            "exchanges": [exchange.to_dict() for exchange in self.exchanges],
            "readable": self.readable,
            "readable_headers": [*self.readable_headers],
            "hidden_headers": None if self.hidden_headers is None else [*self.hidden_headers],
            "blocked": None if self.blocked is None else self.blocked.to_dict(),
            "notes": [*self.notes],
        }

    def __str__(self) -> str:
        return joined(self.lines())

    def lines(self) -> Iterator[Line]:
        """The text, line by line."""
        credentials = " with credentials" if self.credentials else ""
        title = f"{self.method} {self.url} from a page of {self.origin}{credentials}"
        yield from wrapped(title, "title", indent="  ")
        yield Line(f"Cross-origin: {'yes' if self.cross_origin else 'no, CORS has no say'}")
        if self.cross_origin:
            yield Line(f"Preflight:    {'needed' if self.because else 'not needed'}")
        for reason in self.because:
            yield from wrapped(reason, first="  - ", indent="    ")
        for exchange in self.exchanges:
            yield Line("")
            yield Line("Preflight" if exchange.kind == "preflight" else "Actual request", "title")
            yield from exchange.lines()
        yield Line("")
        if self.blocked is None:
            yield from self._seen()
        else:
            yield from self.blocked.lines()
        for note in self.notes:
            yield from wrapped(note, first="Note: ", indent="      ")

    def _seen(self) -> Iterator[Line]:
        """What the page can read."""
        yield Line("Readable: the page can read the answer", "good")
        if not self.cross_origin or self.readable_headers == ("*",):
            yield Line("  Headers: all but Set-Cookie")
            return
        more = [name for name in self.readable_headers if name.title() not in _SAFELISTED_NAMES]
        names = ", ".join(["the safelisted ones", *more])
        yield from wrapped(names, first="  Headers: ", indent=" " * 11)
        hidden = "all others" if self.hidden_headers is None else ", ".join(self.hidden_headers)
        if hidden:
            yield from wrapped(
                f"{hidden} (expose_headers lets the page see more)",
                first="  Hidden:  ",
                indent=" " * 11,
            )
