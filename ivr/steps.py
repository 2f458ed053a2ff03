"""What each step of a flow does with a caller: it returns the name of the next one, or None when the IVR is over."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.log import get_logger
from ivr.agi import ANY_KEY, AgiFault, CallerGone
from ivr.flow import (
    AnnouncePosition,
    AnyStep,
    CallBack,
    ChooseLanguage,
    CollectDigits,
    Consent,
    HangUp,
    Hours,
    Identify,
    LeaveVoicemail,
    Menu,
    Play,
    SetSkill,
    TicketStatus,
    ToQueue,
    Transfer,
)
from ivr.messages import leave_voicemail, request_call_back
from ivr.ports import Identification, QueueOutlook
from ivr.talk import Talk

_log = get_logger(__name__)
_FURTHEST, _LONGEST_WAIT_MINUTES, _FURTHEST_DUE_DAYS = 30, 30, 15


def _step_fact(talk: Talk, choice: str | None = None, **more: object) -> None:
    talk.tell("ivr.step", step=talk.call.values["step"], choice=choice, **more)


async def play(step: Play, talk: Talk) -> str:
    """Say something; a key cuts it short and counts for the next question."""
    _step_fact(talk)
    await talk.inform(step.prompt)
    return step.next


async def menu(step: Menu, talk: Talk) -> str:
    """Let the caller choose; the prompt may be cut short by a key."""
    for tries_left in range(step.retries, -1, -1):
        key = await talk.ask(step.prompt, step.timeout)
        choice = step.choices.get(key)
        if choice is not None:
            talk.call.path.append(choice.label or key)
            _step_fact(talk, key, **({"complaint": True} if choice.complaint else {}))
            return choice.to
        if tries_left:
            await talk.say(step.invalid if key else step.silence)
    _step_fact(talk)
    return step.otherwise


async def collect_digits(step: CollectDigits, talk: Talk) -> str:
    """Let the caller key a number. What was keyed is not told to the journal: it may be a secret."""
    for tries_left in range(step.retries, -1, -1):
        digits = await talk.keyed(step.prompt, step.timeout, step.max)
        if len(digits) >= step.min and digits.isdigit():
            talk.call.values[f"keyed.{step.into}"] = digits
            _step_fact(talk, "keyed")
            return step.next
        if tries_left:
            await talk.say(step.invalid)
    _step_fact(talk)
    return step.otherwise


async def hours(step: Hours, talk: Talk) -> str:
    """Go on by the opening hours."""
    calendar = talk.calendars.get(step.calendar)
    if calendar is None:
        _log.error("calendar is gone; taken as open", calendar=step.calendar)
    opening = calendar.at(talk.kit.clock.now()) if calendar is not None else "open"
    _step_fact(talk, opening)
    if opening == "open":
        return step.open
    return step.holiday if opening == "holiday" and step.holiday is not None else step.closed


async def language(step: ChooseLanguage, talk: Talk) -> str:
    """Set or ask the language; Asterisk's own sounds follow."""
    call = talk.call
    if step.set is not None:
        call.language = step.set
    elif step.prompt is not None:
        call.language = step.choices.get(await _language_key(step.prompt, step, talk), call.language)
    await talk.agi.set_variable("CHANNEL(language)", call.language)
    _step_fact(talk, call.language)
    return step.next


async def _language_key(prompt: str | list[str], step: ChooseLanguage, talk: Talk) -> str:
    """The key for a language; one typed ahead that is for another question means: no choice here."""
    key = talk.typed(step.choices)
    if key or talk.call.typed:
        return key
    files = [
        file
        for spoken in dict.fromkeys(step.choices.values())
        for file in await talk.kit.prompts.files(prompt, spoken, talk.flow)
    ]
    key = await talk.play(files, ANY_KEY) or await talk.agi.wait_for_digit(step.timeout)
    if key not in step.choices:
        talk.call.typed = key
    return key


async def identify(step: Identify, talk: Talk) -> str:
    """Ask who calls. No answer in time is nobody known: the agent will ask."""
    call, callers = talk.call, talk.kit.callers
    code = call.values.get(f"keyed.{step.code}")
    unknown = Identification("withheld" if call.withheld else "none")
    if step.by == "code" and code:
        asked = callers.identify_code(code, call.programme_id)
        found = await talk.within_patience(asked, Identification("none"), "identify by code")
    elif step.by == "number" and call.number:
        found = await talk.within_patience(callers.identify(call.number, call.programme_id), unknown, "identify")
    else:
        found = unknown
    call.identification = found
    if step.use_language and found.language in talk.flow.languages and found.language != call.language:
        call.language = found.language
        await talk.agi.set_variable("CHANNEL(language)", call.language)
    talk.tell("call.identified", customer_ids=list(found.customer_ids), language=call.language)
    _step_fact(talk, found.kind)
    return step.to.get(found.kind, step.next)


async def set_skill(step: SetSkill, talk: Talk) -> str:
    """Ask more of the agent, or raise the priority."""
    talk.call.require(step.require)
    talk.call.priority += step.priority
    _step_fact(talk)
    return step.next


async def ticket_status(step: TicketStatus, talk: Talk) -> str:
    """Say the state of the open ticket: its number digit by digit, where it is, and when it is due."""
    ticket = talk.call.identification.ticket
    _step_fact(talk, ticket.state if ticket else None)
    if ticket is None:
        return step.otherwise
    await talk.say("ticket_number")
    for digit in filter(str.isdecimal, ticket.number):
        await talk.say_counted("digit", int(digit))
    await talk.say(f"ticket_{ticket.state}")
    if ticket.due_days == 0:
        await talk.say("ticket_due_today")
    elif ticket.due_days is not None and ticket.due_days <= _FURTHEST_DUE_DAYS:
        await talk.say_counted("ticket_due_days", ticket.due_days)
    return step.next


async def announce_position(step: AnnouncePosition, talk: Talk) -> str:
    """Say the place in the line and the expected wait; what cannot be said honestly is left out."""
    call = talk.call
    asked = talk.kit.queues.outlook(step.queue, call.priority + call.identification.priority)
    outlook = await talk.within_patience(asked, QueueOutlook(0, None), "queue outlook")
    _step_fact(talk, str(outlook.position) if outlook.position else None)
    if outlook.position > _FURTHEST:
        await talk.say("position_far")
    elif outlook.position > 0:
        await talk.say_counted("position", outlook.position)
    if outlook.position > 0 and outlook.expected_wait is not None:
        await _say_wait(talk, outlook.expected_wait)
    return step.next


async def _say_wait(talk: Talk, seconds: float) -> None:
    minutes = round(seconds / 60)
    if seconds < 60:
        await talk.say("wait_short")
    elif minutes > _LONGEST_WAIT_MINUTES:
        await talk.say("wait_long")
    else:
        await talk.say_counted("wait_minutes", minutes)


async def consent(step: Consent, talk: Talk) -> str:
    """Tell that the call is recorded and start the recording, unless the caller refuses by the key for it."""
    # The notice is heard whatever was typed ahead: only its own key cuts it short.
    key = await talk.say(step.prompt, step.refuse or "")
    if step.refuse and not key:
        key = await talk.agi.wait_for_digit(step.timeout)
    if step.refuse and key == step.refuse:
        _step_fact(talk, "refused")
        await talk.say("recording_refused")
        return step.next
    _step_fact(talk, "recorded")
    if not await talk.agi.get_variable("OC_RECORDING"):
        try:
            await talk.agi.gosub("oc-record")
        except AgiFault as error:
            # The caller matters more than the recording.
            _log.error("recording could not be started", why=str(error))
    return step.next


async def queue(step: ToQueue, talk: Talk) -> None:
    """Let the caller wait for an agent."""
    talk.call.require(step.require)
    talk.call.priority += step.priority
    _step_fact(talk, step.queue)
    await talk.leave_for(step.queue)


async def transfer(step: Transfer, talk: Talk) -> str:
    """Have the bridge ring an outside number, with music; it takes the channel from us when the number answers."""
    await talk.say(step.prompt)
    _step_fact(talk, step.number)
    await talk.agi.music(True)
    connected = False
    try:
        connected = await talk.kit.transfers.to_number(talk.call.interaction_id, step.number, step.ring_seconds)
    except Exception as error:
        _log.warning("transfer could not be tried", to=step.number, why=str(error))
    if connected:
        raise CallerGone
    await talk.agi.music(False)
    return step.otherwise


async def hang_up(step: HangUp, talk: Talk) -> None:
    """Say good-bye and end the call."""
    _step_fact(talk)
    await talk.say(step.prompt)
    await talk.leave_for_good()
    await talk.agi.hang_up()


async def voicemail(step: LeaveVoicemail, talk: Talk) -> str:
    """Record a message; the caller may end it by hanging up."""
    _step_fact(talk)
    await leave_voicemail(step, talk)
    return step.next


async def call_back(step: CallBack, talk: Talk) -> str:
    """Offer a call-back."""
    taken = await request_call_back(step, talk)
    _step_fact(talk, "taken" if taken else None)
    return step.next if taken else step.otherwise


DEEDS: Mapping[type[AnyStep], Callable[[Any, Talk], Awaitable[str | None]]] = {
    Play: play,
    Menu: menu,
    CollectDigits: collect_digits,
    Hours: hours,
    ChooseLanguage: language,
    Identify: identify,
    SetSkill: set_skill,
    TicketStatus: ticket_status,
    AnnouncePosition: announce_position,
    Consent: consent,
    ToQueue: queue,
    LeaveVoicemail: voicemail,
    CallBack: call_back,
    Transfer: transfer,
    HangUp: hang_up,
}
