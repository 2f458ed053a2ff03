"""A manager interface in fifty lines, for the faults that a real Asterisk does not show on demand."""

import asyncio
from collections.abc import Callable

from tests.patience import PATIENCE

Answer = Callable[["Peer", dict[str, str]], None]


class Peer:
    """One accepted connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer

    def say(self, *lines: str) -> None:
        """One message."""
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def cut(self) -> None:
        """End the connection at once."""
        self.writer.transport.abort()


class FakeManager:
    """Answers Login and Ping; every other action goes to `answer`. All received actions are in `got`."""

    def __init__(self) -> None:
        self.got: list[dict[str, str]] = []
        self.peers: list[Peer] = []
        self.answer: Answer = lambda peer, action: peer.say("Response: Success", f"ActionID: {action['ActionID']}")
        self.silent = False
        self.boots = True
        self.connected = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Close the door and cut everybody."""
        if self._server is not None:
            self._server.close()
        for peer in self.peers:
            peer.cut()

    def names(self) -> list[str]:
        """The received actions' names, pings left out."""
        return [action["Action"] for action in self.got if action["Action"] != "Ping"]

    async def connections(self, count: int) -> None:
        """Wait until so many connections have signed in."""
        async with self.connected:
            await asyncio.wait_for(self.connected.wait_for(lambda: len(self.peers) >= count), PATIENCE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        peer = Peer(writer)
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in block.strip().split("\r\n"))
                self.got.append(action)
                if not self.silent:
                    await self._reply(peer, action)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _reply(self, peer: Peer, action: dict[str, str]) -> None:
        own = f"ActionID: {action['ActionID']}"
        if action["Action"] == "Login":
            peer.say("Response: Success", own, "Message: Authentication accepted")
            if self.boots:
                peer.say("Event: FullyBooted", "Status: Fully Booted")
            async with self.connected:
                self.peers.append(peer)
                self.connected.notify_all()
        elif action["Action"] == "Ping":
            peer.say("Response: Success", own, "Ping: Pong")
        else:
            self.answer(peer, action)
