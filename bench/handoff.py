"""`make bench-handoff`: a backlog of callers and busy agents; from an agent's BYE to the next INVITE at its phone.

Both systems serve the same load in the same Asterisk in one run, one after the other. A sample counts only when the
caller who is offered had dialled before the agent became free, so that nobody waited for a caller to come.
"""

import argparse
import asyncio
import json

from bench.rig import OURS, PEER, Rig, capture, rig
from bench.wire import Packet, Place, callers, percentile, talked_to

_AGENTS, _RATE, _TALK = 20, 25.0, 0.8
_KEY = {PEER: "app_queue", OURS: "onecall"}


def hand_offs(packets: list[Packet], server: Place, agents: set[Place]) -> list[float]:
    """Milliseconds from BYE (of the agent, or to it) to the next INVITE at that agent's phone."""
    dialled: dict[str, float] = {}
    free: dict[Place, float] = {}
    found = []
    for packet in packets:
        if packet.retransmitted:
            continue
        agent = packet.source if packet.source in agents else packet.target if packet.target in agents else None
        if agent is None:
            if packet.method == "INVITE" and packet.target == server:
                dialled[packet.caller] = packet.at
        elif packet.method == "BYE":
            free[agent] = packet.at
        elif packet.method == "INVITE" and packet.target == agent and agent in free:
            became_free = free.pop(agent)
            if dialled.get(packet.caller, packet.at) < became_free:
                found.append((packet.at - became_free) * 1000)
    return found


async def _run(made: Rig, system: str, seconds: float) -> tuple[list[float], int, int]:
    """Hand-off times (ms), how many callers there were, and how many of them no agent answered."""
    backlog = 2 * _AGENTS
    arrivals = [number * 0.02 for number in range(backlog)]
    arrivals += [backlog * 0.02 + number / _RATE for number in range(int(seconds * _RATE))]
    server, agents = made.asterisk.sip, {phone.place for phone in made.phones}
    wire = capture(made, f"handoff-{system}")
    async with made.staffed(system):
        await made.warm_up(system)
        async with wire:
            started = await made.load(system, arrivals, patience=120)
    packets = wire.packets()
    lost = len(callers(packets, server, agents) - talked_to(packets, agents))
    return hand_offs(packets, server, agents), started, lost


async def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    seconds = 6.0 if parser.parse_args().short else 20.0
    result: dict[str, float] = {}
    calls = 0
    async with rig(_AGENTS, _TALK) as made:
        for system in (PEER, OURS):
            samples, started, lost = await _run(made, system, seconds)
            name = _KEY[system]
            for share, label in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                result[f"{name}_{label}_ms"] = round(percentile(samples, share), 2)
            result[f"{name}_samples"] = len(samples)
            result["lost" if system == OURS else "app_queue_lost"] = lost
            print(f"{name}: {started} calls, {len(samples)} hand-offs, {lost} lost", flush=True)
            calls += started
    result["ratio_p50"] = round(result["app_queue_p50_ms"] / result["onecall_p50_ms"], 1)
    print(json.dumps({**result, "calls": calls, "agents": _AGENTS, "rate_per_s": _RATE}))


if __name__ == "__main__":
    asyncio.run(main())
