"""What type checkers make of the public interface: checked by mypy and pyright, never run.

Each `type: ignore` and `pyright: ignore` is an error that users are to get. Both checkers complain
when it is gone.
"""
