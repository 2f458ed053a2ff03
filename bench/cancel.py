"""`make bench-cancel`: a caller hangs up while a phone rings; from the caller's BYE to the CANCEL at that phone.

One call after the other, to phones that ring and never answer; both systems in the same Asterisk in one run.
"""

import argparse
import asyncio
import json
import random

from bench.rig import OURS, PEER, Rig, capture, rig
from bench.wire import Packet, Place, percentile
from phones.phone import Phone

_AGENTS = 20
_KEY = {PEER: "app_queue", OURS: "onecall"}
_WITHIN = 20.0


def cancels(packets: list[Packet], server: Place, agents: set[Place]) -> list[float]:
    """Milliseconds from each caller's BYE to the CANCEL at the phone that rang for it."""
    gone: dict[str, float] = {}
    found = []
    for packet in packets:
        if packet.retransmitted:
            continue
        if packet.method == "BYE" and packet.target == server and packet.source not in agents:
            gone[packet.caller] = packet.at
        elif packet.method == "CANCEL" and packet.target in agents and packet.caller in gone:
            found.append((packet.at - gone.pop(packet.caller)) * 1000)
    return found


class _Ringing:
    """Phones that ring: when one begins, and when it has been stopped."""

    def __init__(self) -> None:
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def take(self, phone: Phone) -> None:
        """Let each call ring until it is cancelled."""
        while True:
            call = await phone.next_call(3600)
            call.ring()
            self.begun.set()
            await call.wait_until_ended(3600)
            self.over.set()


async def _run(made: Rig, system: str, count: int) -> list[float]:
    """Milliseconds of each call. Raises TimeoutError when a phone does not ring, or rings on."""
    server, agents = made.asterisk.sip, {phone.place for phone in made.phones}
    draw, ringing = random.Random(7), _Ringing()
    wire = capture(made, f"cancel-{system}")
    async with made.staffed(system, ringing.take), wire:
        for _ in range(count):
            async with made.caller(system) as caller, asyncio.timeout(_WITHIN):
                ringing.begun.clear()
                ringing.over.clear()
                call = await caller.dial(f"{system}00")
                await call.answered(_WITHIN)
                await ringing.begun.wait()
                await asyncio.sleep(draw.uniform(0.1, 0.3))  # somebody listens a while before hanging up
                await call.hang_up()
                await ringing.over.wait()
    return cancels(wire.packets(), server, agents)


async def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    count = 40 if parser.parse_args().short else 200
    result: dict[str, float] = {}
    async with rig(_AGENTS, 0) as made:
        for system in (PEER, OURS):
            samples = await _run(made, system, count)
            for share, label in ((0.5, "p50"), (0.99, "p99")):
                result[f"{_KEY[system]}_{label}_ms"] = round(percentile(samples, share), 2)
            result[f"{_KEY[system]}_stopped"] = len(samples)
            print(f"{_KEY[system]}: {len(samples)} of {count} phones stopped", flush=True)
    print(json.dumps({**result, "calls": count}))


if __name__ == "__main__":
    asyncio.run(main())
