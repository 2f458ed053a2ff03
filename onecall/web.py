"""Serves the API and the web app: without TLS for this machine's own browsers, with TLS for all others."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from core.errors import Unavailable


class _Server(uvicorn.Server):
    """Signals are the front door's matter."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Leave the process's signal handlers alone."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: FastAPI, host: str, http_port: int, https_port: int, certificate: Path, private_key: Path
) -> AsyncIterator[None]:
    """Serve `app` while inside; port 0 means: not at all. Raises Unavailable, naming the port, when it is taken."""
    servers: list[tuple[_Server, socket.socket]] = []
    for port, tls in ((http_port, False), (https_port, True)):
        if port:
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                ws_ping_interval=10.0,
                ws_ping_timeout=10.0,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=3,
                lifespan="off",
                ssl_certfile=str(certificate) if tls else None,
                ssl_keyfile=str(private_key) if tls else None,
            )
            servers.append((_Server(config), _listen(host, port)))
    tasks = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    try:
        while not all(server.started for server, _ in servers):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)
        yield
    finally:
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"The web port {port} cannot be opened: {error.strerror}.",
            "Stop what uses it, or choose another (ONECALL_HTTP_PORT, ONECALL_HTTPS_PORT).",
        ) from None
    listener.setblocking(False)
    return listener
