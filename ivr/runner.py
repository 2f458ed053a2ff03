"""Runs a flow over a caller's channel, one step after the other."""

from ivr.agi import AgiFault
from ivr.steps import DEEDS
from ivr.talk import Talk

_MOST_STEPS = 300


async def run_flow(talk: Talk, start: str) -> None:
    """From step `start` until the caller is queued, served to the end, or gone (`CallerGone`).

    Raises AgiFault after 300 steps: no caller wants that many, a machine at the other end might.
    """
    name: str | None = start
    for _ in range(_MOST_STEPS):
        if name is None:
            return
        talk.call.values["step"] = name
        step = talk.flow.steps[name]
        name = await DEEDS[type(step)](step, talk)
    raise AgiFault(f"the flow {talk.flow.flow} has not ended after {_MOST_STEPS} steps")
