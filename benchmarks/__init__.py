"""What CORS costs: this library beside aiohttp-cors 0.8.1, hand-written code and none at all.

``python -m benchmarks`` from the root of the project; README.rst says how to read it.
"""
