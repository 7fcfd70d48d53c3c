"""The commands of `python -m aiohttp_cors`. Importing `aiohttp_cors` imports none of this.

Each command is a module of this package with two functions: `add_arguments(parser)` and
`run(options) -> int`, which returns the exit status. It is imported only when it is asked for.
"""

import argparse
import importlib
from collections.abc import Sequence
from typing import NoReturn

PROGRAM = "python -m aiohttp_cors"

#: Name of the command, which is the name of its module too, and what it is for.
COMMANDS = {
    "demo": "watch a browser and an API of another origin talk",
    "explain": "tell why a page may read an answer, or why it may not",
    "audit": "list what the pages of other origins may do",
}


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        self.exit(2, f"usage: {self.prog} --help ({message})\n")


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` ask for.

    :returns: The exit status. A usage error ends the process with status 2, as argparse does.
    """
    parser = _Parser(prog=PROGRAM, description="CORS for the aiohttp server.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=f"{name}: {purpose}.")
        if name in arguments[:1]:
            module = importlib.import_module(f"{__name__}.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    if "run" not in options:
        parser.print_help()
        return 0
    status: int = options.run(options)
    return status
