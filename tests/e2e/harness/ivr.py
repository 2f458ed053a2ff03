"""A FastAGI server that says the same few commands to every call: stands where the IVR stands, in tests of Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

TO_THE_QUEUE = ("ANSWER", "SET VARIABLE OC_QUEUE q-test", "SET VARIABLE OC_DONE 1")


class ScriptedIvr:
    """``async with ScriptedIvr(port, commands):`` each call gets ``OC_ID`` and then the commands, in order."""

    def __init__(self, port: int, commands: Sequence[str] = TO_THE_QUEUE) -> None:
        self.calls: list[dict[str, str]] = []
        """What Asterisk told of each call, by AGI name."""
        self._port = port
        self._commands = commands

    async def __aenter__(self) -> ScriptedIvr:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told: dict[str, str] = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(": ")
            told[name] = value
        self.calls.append(told)
        for command in (f"SET VARIABLE OC_ID {told['agi_uniqueid']}", *self._commands):
            writer.write(command.encode() + b"\n")
            # GOSUB says "100 Trying" first.
            while (answer := await reader.readline()).startswith(b"100"):
                pass
            if not answer.startswith(b"200"):
                break
        writer.close()
