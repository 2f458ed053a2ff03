"""What callers leave behind: voicemail and wishes to be called back. Both go to a spool first, so none is lost."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.ids import new_id
from core.numbers import to_e164
from core.wav import inspect, is_finished
from ivr.agi import CallerGone
from ivr.flow import CallBack, LeaveVoicemail
from ivr.ports import CallBackRequest, CallBacks, Messages, Voicemail
from ivr.spool import Record, Take
from ivr.talk import Talk

_SHORTEST_SECONDS = 1.0
_LONGEST_NUMBER = 16
_FINISHED_WITHIN, _LOOK = 3.0, 0.05


async def leave_voicemail(step: LeaveVoicemail, talk: Talk) -> None:
    """Say the prompt, record, and keep the message, also when the caller ends it by hanging up."""
    await talk.say(step.prompt)
    name = new_id()
    try:
        await talk.agi.record(
            f"{talk.kit.voicemail_seen_as}/{name}",
            "wav",
            max_seconds=step.max_seconds,
            end_keys="#*",
            silence=step.silence_seconds,
        )
    except CallerGone:
        await _keep_voicemail(name, talk)
        raise
    await talk.say("message_taken" if await _keep_voicemail(name, talk) else "message_empty")


async def _keep_voicemail(name: str, talk: Talk) -> bool:
    file = talk.kit.voicemail_folder / f"{name}.wav"
    try:
        await _until_finished(file)
    finally:  # also when the IVR is stopped meanwhile
        kept = await _spool_voicemail(name, file, talk)
    return kept


async def _spool_voicemail(name: str, file: Path, talk: Talk) -> bool:
    told = await asyncio.to_thread(inspect, file)
    if told.seconds < _SHORTEST_SECONDS and told.problem != "cut_off":
        file.unlink(missing_ok=True)
        return False
    call = talk.call
    message = Voicemail(
        name,
        call.interaction_id,
        talk.kit.clock.now(),
        call.programme_id,
        call.number,
        call.identification.customer_ids,
        call.language,
        file,
        told.seconds,
    )
    await talk.kit.voicemails.put(name, {**asdict(message), "file": file.name})
    return True


async def _until_finished(file: Path) -> None:
    """Asterisk tells us of a hang-up before it writes the last of the file and its length."""
    for _ in range(round(_FINISHED_WITHIN / _LOOK)):
        if not file.exists() or is_finished(file):
            break
        await asyncio.sleep(_LOOK)


async def request_call_back(step: CallBack, talk: Talk) -> bool:
    """Take the caller's wish; returns whether there is one. A number half keyed at the hang-up is kept too."""
    shown = talk.call.number
    number = shown
    if shown is not None:
        key = await talk.ask(step.prompt, step.timeout)
        if key not in ("1", "2"):
            return False
        number = shown if key == "1" else None
    if number is None:
        keyed = await talk.keyed("call_back_number", step.timeout, _LONGEST_NUMBER)
        number = to_e164(keyed, talk.call.region) if keyed.isdigit() else None
        if number is None:
            await talk.say("invalid_number")
            keyed = await talk.keyed("call_back_number", step.timeout, _LONGEST_NUMBER)
            number = to_e164(keyed, talk.call.region) if keyed.isdigit() else None
    if number is None:
        return False
    await _keep_call_back(number, talk)
    await talk.say("call_back_taken")
    return True


async def _keep_call_back(number: str, talk: Talk) -> None:
    call = talk.call
    request = CallBackRequest(
        id=f"ivr-{call.interaction_id}-{number.removeprefix('+')}",
        at=talk.kit.clock.now(),
        number=number,
        did=call.did,
        programme_id=call.programme_id,
        interaction_id=call.interaction_id,
        language=call.language,
        wish="asked",
        source="ivr",
    )
    await talk.kit.call_backs.put(request.id, asdict(request))


def take_voicemail(messages: Messages, folder: Path) -> Take:
    """The taker of the voicemail spool: each record becomes a ticket."""

    async def take(record: Record) -> None:
        told: dict[str, Any] = dict(record)
        file = folder / Path(told.pop("file")).name
        await messages.voicemail(Voicemail(**told | {"file": file, "customer_ids": tuple(told["customer_ids"])}))

    return take


def take_call_back(call_backs: CallBacks) -> Take:
    """The taker of the IVR's own call-back spool."""

    async def take(record: Record) -> None:
        await call_backs.request(CallBackRequest(**record))

    return take
