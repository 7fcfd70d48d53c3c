"""The public behaviour of aiohttp-cors 0.8.1 that applications rely on."""
