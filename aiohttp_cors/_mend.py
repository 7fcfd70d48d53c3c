"""The change of a configuration that would allow a request, as Python to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from ._findings import findings, key_text
from ._origins import OriginKey
from ._policy import Layer
from .resource_options import Names, ResourceOptions

#: What is indented by four columns still fits into 80.
_WIDTH: Final = 76


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
    return Mend(text=text, python=_entry(key, options), cautions=_cautions(key, options))


def mend_added(text: str, entity: str, key: OriginKey, options: ResourceOptions | None) -> Mend:
    """What was not added is added; no options leave the config to the layers below."""
    if options is None:
        return Mend(text=text, python=_call("cors.add", [entity]))
    return Mend(
        text=text,
        python=_call("cors.add", [entity, f"{{\n{_indented(_entry(key, options))}\n}}"]),
        cautions=_cautions(key, options),
    )


def mend_set_up(text: str, entity: str, key: OriginKey, options: ResourceOptions) -> Mend:
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


def _entry(key: OriginKey, options: ResourceOptions) -> str:
    return f"{_key(key)}: {_options(options, len(_key(key)) + 3)},"


def _key(key: OriginKey) -> str:
    if isinstance(key, str):
        return _text(key)
    return repr(key) if isinstance(key, re.Pattern) else key_text(key)


def _text(text: str) -> str:
    # What JSON writes for a text is the same text in Python.
    return json.dumps(text)


def _options(options: ResourceOptions, indent: int) -> str:
    arguments = [
        f"{name}={value}"
        for name, value in (
            ("allow_credentials", "True" if options.allow_credentials else ""),
            ("expose_headers", _names(options.expose_headers)),
            ("allow_headers", _names(_titled(options.allow_headers))),
            ("max_age", "" if options.max_age is None else str(options.max_age)),
            (
                "allow_methods",
                "" if options.allow_methods is None else _names(options.allow_methods) or "[]",
            ),
        )
        if value
    ]
    return _call("ResourceOptions", arguments, indent)


def _titled(names: Names) -> Names:
    # Options have the names of request headers in upper case, which nobody writes.
    return frozenset(map(str.title, names)) if isinstance(names, frozenset) else names


def _names(names: Names) -> str:
    if not isinstance(names, frozenset):
        return _text(names)
    return f"[{', '.join(map(_text, sorted(names)))}]" if names else ""


def _call(function: str, arguments: list[str], indent: int = 0) -> str:
    """A call in one line, or with a line for each argument."""
    line = f"{function}({', '.join(arguments)})"
    if "\n" not in line and indent + len(line) <= _WIDTH:
        return line
    lines = "\n".join(f"{_indented(argument)}," for argument in map(_broken, arguments))
    return f"{function}(\n{lines}\n)"


def _broken(argument: str) -> str:
    """A list of names that is too long for a line, with a line for each of them."""
    if len(argument) <= _WIDTH - 8 or not argument.endswith("]"):
        return argument
    name, _, names = argument.partition("=")
    members = "\n".join(f"{_indented(_text(member))}," for member in json.loads(names))
    return f"{name}=[\n{members}\n]"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.splitlines())


def registration(route: web.AbstractRoute, prefix: str) -> str:
    """The call that made a route, as far as it can be told from the route.

    :param prefix: of the sub-application that it is in.
    """
    resource = route.resource
    if isinstance(resource, web.StaticResource):
        info = resource.get_info()
        path = info.get("prefix", "").removeprefix(prefix)
        directory = _text(str(info.get("directory", "")))
        return _call("app.router.add_static", [_text(path), directory])
    handler = route.handler
    name: str = getattr(handler, "__name__", type(handler).__name__)
    path = "" if resource is None else resource.canonical.removeprefix(prefix)
    if route.method == hdrs.METH_ANY and isinstance(handler, type):
        return _call("app.router.add_view", [_text(path), name])
    return new_registration(route.method, path, name)


def new_registration(method: str, path: str, handler: str) -> str:
    """The call that makes a route for a function."""
    if method in _SHORT:
        return _call(f"app.router.add_{method.lower()}", [_text(path), handler])
    return _call("app.router.add_route", [_text(method), _text(path), handler])


_SHORT: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
