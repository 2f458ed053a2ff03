"""`make bench-cpu`: processor time a call, of our routing process and its bookkeeper beside Asterisk's, at one rate."""

import argparse
import asyncio
import json
import os
from pathlib import Path

from bench.rig import OURS, capture, rig
from bench.wire import callers, talked_to

_AGENTS, _TALK, _RATE = 60, 2.0, 15.0


def seconds_used(pid: int) -> float:
    """Processor seconds (user and system) that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def child_of(pid: int) -> int:
    """The one child process of that process: the routing process's bookkeeper."""
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


async def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    seconds = 10.0 if parser.parse_args().short else 40.0
    async with rig(_AGENTS, _TALK) as made, made.staffed(OURS):
        await made.warm_up(OURS)
        pids = made.acd_pid, child_of(made.acd_pid), made.asterisk.instance.pid or 0
        server, agents = made.asterisk.sip, {phone.place for phone in made.phones}
        wire = capture(made, "cpu")
        async with wire:
            before = [seconds_used(pid) for pid in pids]
            started = await made.load(OURS, [number / _RATE for number in range(int(seconds * _RATE))], patience=60)
            after = [seconds_used(pid) for pid in pids]
        packets = wire.packets()
    routing, books, theirs = ((late - early) * 1000 / started for early, late in zip(before, after, strict=True))
    print(
        json.dumps(
            {
                "onecall_cpu_ms_per_call": round(routing + books, 2),
                "routing_cpu_ms_per_call": round(routing, 2),
                "bookkeeper_cpu_ms_per_call": round(books, 2),
                "asterisk_cpu_ms_per_call": round(theirs, 2),
                "ratio": round((routing + books) / theirs, 2),
                "calls": started,
                "lost": len(callers(packets, server, agents) - talked_to(packets, agents)),
                "rate_per_s": _RATE,
                "talk_s": _TALK,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
