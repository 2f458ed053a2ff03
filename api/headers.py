"""Security and cache headers on every answer."""

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$")
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "microphone=(self), speaker-selection=(self), camera=(), geolocation=(), payment=(), usb=()",
}
_YEAR = 31_536_000


class SecurityHeaders:
    """ASGI middleware. The browser may talk to us and to the phone's sockets on our host, and to nobody else."""

    def __init__(self, app: ASGIApp, *, phone_ws_port: int, phone_wss_port: int) -> None:
        self._app = app
        self._phone_ports = (("ws", phone_ws_port), ("wss", phone_wss_port))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with headers added to the answer's start."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(scope, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _FIXED.items():
            headers.setdefault(name, value)
        headers["Content-Security-Policy"] = self._policy(scope)
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
        if scope["path"].startswith("/api"):
            headers.setdefault("Cache-Control", "no-store")

    def _policy(self, scope: Scope) -> str:
        connect = " ".join(["'self'", *self._sockets(scope)])
        # Inline styles: Vue binds style attributes and Nuxt UI writes its colours into a style element. Scripts never.
        return (
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
            f"font-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; connect-src {connect}; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    def _sockets(self, scope: Scope) -> list[str]:
        """Sockets of ours and of the phone, on the host that the browser named (if it is a host at all)."""
        named = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        match = _HOST.match(named)
        if match is None:
            return []
        own = "wss" if scope["scheme"] == "https" else "ws"
        phones = [f"{kind}://{match[1]}:{port}" for kind, port in self._phone_ports if port]
        return [f"{own}://{named}", *phones]
