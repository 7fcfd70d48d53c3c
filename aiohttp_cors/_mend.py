"""The change of a configuration that would allow a request, as Python to paste."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from ._code import Code, Group, call, laid_out, quoted
from ._findings import findings, key_text
from ._origins import OriginKey
from ._policy import Layer
from .resource_options import Names, ResourceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """A change that would allow the request.

    :param text: what to do.
    :param python: what to write; empty where no code of the server's helps.
    :param cautions: the findings on what is written, as they are logged.
    """

    text: str
    python: str = ""
    cautions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The mend as JSON has it."""
        return {"text": self.text, "python": self.python, "cautions": [*self.cautions]}


def with_more(
    options: ResourceOptions,
    *,
    headers: Iterable[str] = (),
    credentials: bool = False,
    method: str | None = None,
) -> ResourceOptions:
    """Options that allow what `options` do, and this too."""
    return ResourceOptions(
        allow_credentials=options.allow_credentials or credentials,
        expose_headers=options.expose_headers,
        allow_headers=_and(options.allow_headers, headers),
        max_age=options.max_age,
        allow_methods=options.allow_methods
        if method is None
        else _and(options.allow_methods or frozenset(), (method,)),
    )


def _and(names: Names, more: Iterable[str]) -> Collection[str]:
    return names | set(more) if isinstance(names, frozenset) else names


def mend_entry(text: str, key: OriginKey, options: ResourceOptions) -> Mend:
    """One line of a config."""
    return Mend(
        text=text, python=f"{laid_out(_entry(key, options))},", cautions=_cautions(key, options)
    )


def mend_added(text: str, entity: Code, key: OriginKey, options: ResourceOptions | None) -> Mend:
    """What was not added is added; no options leave the config to the layers below."""
    if options is None:
        return Mend(text=text, python=laid_out(call("cors.add", entity)))
    config = Group("{", (_entry(key, options),), "}")
    return Mend(
        text=text,
        python=laid_out(call("cors.add", entity, config)),
        cautions=_cautions(key, options),
    )


def mend_set_up(text: str, entity: Code, key: OriginKey, options: ResourceOptions) -> Mend:
    """CORS is set up in the first place."""
    added = mend_added(text, entity, key, options)
    lines = (
        "import aiohttp_cors",
        "from aiohttp_cors import ResourceOptions",
        "",
        "cors = aiohttp_cors.setup(app)",
        added.python,
    )
    return Mend(text=text, python="\n".join(lines), cautions=added.cautions)


def _cautions(key: OriginKey, options: ResourceOptions) -> tuple[str, ...]:
    return tuple(map(str, findings(Layer({key: options}), "this change")))


def _entry(key: OriginKey, options: ResourceOptions) -> Group:
    return Group(f"{_key(key)}: ResourceOptions(", tuple(_arguments(options)), ")")


def _key(key: OriginKey) -> str:
    if isinstance(key, str):
        return quoted(key)
    return _expression(key) if isinstance(key, re.Pattern) else key_text(key)


def _expression(key: re.Pattern[str]) -> str:
    # The repr of an expression that is long leaves off its end.
    flags = re.RegexFlag(key.flags & ~re.UNICODE)
    return f"re.compile({key.pattern!r}{f', {flags!r}' if flags else ''})"


def _arguments(options: ResourceOptions) -> Iterator[Code]:
    if options.allow_credentials:
        yield "allow_credentials=True"
    if options.expose_headers:
        yield _names("expose_headers", options.expose_headers)
    if options.allow_headers:
        yield _names("allow_headers", _titled(options.allow_headers))
    if options.max_age is not None:
        yield f"max_age={options.max_age}"
    if options.allow_methods is not None:
        yield _names("allow_methods", options.allow_methods)


def _titled(names: Names) -> Names:
    # Options have the names of request headers in upper case, which nobody writes.
    return frozenset(map(str.title, names)) if isinstance(names, frozenset) else names


def _names(option: str, names: Names) -> Code:
    if not isinstance(names, frozenset):
        return f"{option}={quoted(names)}"
    return Group(f"{option}=[", tuple(map(quoted, sorted(names))), "]")


def registration(route: web.AbstractRoute, prefix: str) -> Code:
    """The call that made a route, as far as it can be told from the route.

    :param prefix: of the sub-application that it is in.
    """
    resource = route.resource
    if isinstance(resource, web.StaticResource):
        info = resource.get_info()
        path = info.get("prefix", "").removeprefix(prefix)
        directory = str(info.get("directory", ""))
        return call("app.router.add_static", quoted(path), quoted(directory))
    handler = route.handler
    name: str = getattr(handler, "__name__", type(handler).__name__)
    path = "" if resource is None else resource.canonical.removeprefix(prefix)
    if route.method == hdrs.METH_ANY and isinstance(handler, type):
        return call("app.router.add_view", quoted(path), name)
    return new_registration(route.method, path, name)


def new_registration(method: str, path: str, handler: str) -> Code:
    """The call that makes a route for a function."""
    if method in _SHORT:
        return call(f"app.router.add_{method.lower()}", quoted(path), handler)
    return call("app.router.add_route", quoted(method), quoted(path), handler)


_SHORT: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
