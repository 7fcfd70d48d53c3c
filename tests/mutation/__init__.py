"""The mutation run over the pure core: `python -m tests.mutation`, from the root of a clone.

mutmut changes the code in small ways, one at a time, and runs the tests that need no event loop.
A change that no test notices survives. Those in `survivors.toml` are explained there; any other
fails the run, and so does one that is listed and no longer survives.
"""
