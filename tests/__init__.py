"""Tests of aiohttp-cors."""
