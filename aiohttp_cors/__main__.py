"""`python -m aiohttp_cors`."""

import sys

from aiohttp_cors._cli import main

sys.exit(main(sys.argv[1:]))
