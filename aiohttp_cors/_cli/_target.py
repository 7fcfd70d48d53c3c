"""The application that a command is about."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from aiohttp import web


class TargetError(Exception):
    """There is no such application. The text says why, in one line."""


def is_url(target: str) -> bool:
    """Whether `target` is a running server."""
    return target.startswith(("http://", "https://"))


async def load(target: str) -> web.Application:
    """The application at ``module:name``, or what the function of that name makes.

    As with ``python -m aiohttp.web`` a function is called with a list of arguments, here an empty
    one, and may be asynchronous. One that takes no argument will do, too.

    :raises TargetError: there is none.
    """
    if is_url(target):
        raise TargetError(f"{target!r} does not tell its config; name its module:app")
    module_name, _, name = target.partition(":")
    if not module_name or not name:
        raise TargetError(f"{target!r} is not module:app, module:function or a URL")
    if module_name.startswith("."):
        raise TargetError(f"{target!r}: relative module names are not supported")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
        app = await _made(found)
    except (Exception, SystemExit) as error:  # whatever somebody's own code may raise
        raise TargetError(f"cannot import {target!r}: {_in_one_line(error)}") from error
    if not isinstance(app, web.Application):
        raise TargetError(f"{target!r} is no aiohttp.web.Application, but {type(app).__name__}")
    return app


async def _made(found: Any) -> Any:
    if callable(found) and not isinstance(found, web.Application):
        found = found([]) if _takes_arguments(found) else found()
    return await found if inspect.isawaitable(found) else found


def _takes_arguments(function: Any) -> bool:
    try:
        inspect.signature(function).bind([])
    except TypeError:
        return False
    return True


def _in_one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
