"""`make bench-connect`: a caller comes while agents are free; from the caller's INVITE to the agent's INVITE.

Both paths answer the caller and have no IVR before them. The same rates one after the other in the same Asterisk.
"""

import argparse
import asyncio
import json

from bench.rig import OURS, PEER, Rig, capture, rig
from bench.wire import Packet, Place, callers, percentile, talked_to

_AGENTS, _TALK = 200, 2.0
_KEY = {PEER: "app_queue", OURS: "onecall"}


def connects(packets: list[Packet], server: Place, agents: set[Place]) -> list[float]:
    """Milliseconds from each caller's INVITE to the first INVITE that shows its number at an agent's phone."""
    dialled: dict[str, float] = {}
    found = []
    for packet in packets:
        if packet.method != "INVITE" or packet.retransmitted:
            continue
        if packet.target == server and packet.source not in agents:
            dialled[packet.caller] = packet.at
        elif packet.target in agents and packet.caller in dialled:
            found.append((packet.at - dialled.pop(packet.caller)) * 1000)
    return found


async def _run(made: Rig, system: str, rate: float, seconds: float) -> tuple[list[float], int, int]:
    """Connect times (ms), how many callers there were, and how many of them no agent answered."""
    arrivals = [number / rate for number in range(max(5, int(seconds * rate)))]
    server, agents = made.asterisk.sip, {phone.place for phone in made.phones}
    wire = capture(made, f"connect-{system}-{rate:g}")
    async with wire:
        started = await made.load(system, arrivals, patience=60)
    packets = wire.packets()
    lost = len(callers(packets, server, agents) - talked_to(packets, agents))
    return connects(packets, server, agents), started, lost


async def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    rates, seconds = ((5.0, 20.0), 4.0) if short else ((1.0, 5.0, 10.0, 20.0, 30.0, 40.0), 12.0)
    samples: dict[str, list[float]] = {PEER: [], OURS: []}
    lost = {PEER: 0, OURS: 0}
    by_rate: dict[str, dict[str, float]] = {}
    calls = 0
    async with rig(_AGENTS, _TALK) as made:
        for rate in rates:  # both at one rate before the next: how fast a machine is changes within minutes
            for system in (PEER, OURS):
                async with made.staffed(system):
                    if rate == rates[0]:
                        await made.warm_up(system)
                    found, started, missed = await _run(made, system, rate, seconds)
                samples[system] += found
                lost[system] += missed
                calls += started
                row = by_rate.setdefault(f"{rate:g}", {})
                row |= {f"{_KEY[system]}_p50": round(percentile(found, 0.5), 2)}
                row |= {f"{_KEY[system]}_p99": round(percentile(found, 0.99), 2)}
                print(f"{_KEY[system]} at {rate:g}/s: {len(found)} of {started} connected, {row}", flush=True)
    result: dict[str, object] = {}
    for system, values in samples.items():
        for share, label in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
            result[f"{_KEY[system]}_{label}_ms"] = round(percentile(values, share), 2)
    result["ratio_p50"] = round(percentile(samples[OURS], 0.5) / percentile(samples[PEER], 0.5), 2)
    result |= {"calls": calls, "lost": lost[OURS], "app_queue_lost": lost[PEER]}
    print(json.dumps({**result, "agents": _AGENTS, "by_rate": by_rate}))


if __name__ == "__main__":
    asyncio.run(main())
