"""Asterisk with the product's own configuration, and nothing else of ours running."""

import asyncio
import os
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from onecall.asterisk import AsteriskInstance
from onecall.realtime import put_first
from phones.audio import RATE, from_wav, level_at, tone
from phones.call import Call
from phones.phone import Phone, RegistrationRefused
from tests.e2e.harness.fixtures import AGENTS, Keep, MakeAsterisk
from tests.e2e.harness.ivr import TO_THE_QUEUE, ScriptedIvr
from tests.e2e.harness.manager import PATIENCE, TestManager
from tests.e2e.harness.server import CALLER_ADDRESS, TestAgent, TestAsterisk

_MACHINE_IS_BUSY = re.compile(r"The '[^']+' task processor queue reached \d+ scheduled tasks")
"""What Asterisk warns of when others keep the processor from it."""


async def test_a_caller_whom_no_process_of_ours_answers_hears_a_voice_and_not_silence(
    asterisk: TestAsterisk, phones: Keep
) -> None:
    caller = phones(await asterisk.caller())
    call = await caller.dial("+390212345678")
    await call.answered()
    await call.media.wait_for_sound()


@pytest.mark.parametrize("number", ["*43", "giulia", "s", "h", "2", "+39a", "39,2001"])
async def test_an_outside_caller_who_dials_what_is_no_telephone_number_is_refused(
    asterisk: TestAsterisk, phones: Keep, number: str
) -> None:
    caller = phones(await asterisk.caller())
    assert await (await caller.dial(number)).refused() in (404, 484)


@pytest.mark.parametrize("number", ["2001", "00393471112223", "+393471112223", "0393471112223"])
async def test_an_outside_caller_reaches_neither_an_outside_line_nor_an_agent_by_dialling(
    asterisk: TestAsterisk, phones: Keep, number: str
) -> None:
    outside_port = int(asterisk.settings.trunk_contact.rpartition(":")[2])
    outside = phones(await asterisk.caller("outside", port=outside_port))
    agent = phones(await asterisk.desk_phone(AGENTS[0]))
    call = await phones(await asterisk.caller()).dial(number)
    await call.answered()
    await call.media.wait_for_sound()
    assert outside.invites == []
    assert agent.invites == []


@pytest.mark.parametrize("number", ["2002", "00393471112223", "+393471112223", "trunk"])
async def test_an_agents_phone_dials_nothing_by_itself(asterisk: TestAsterisk, phones: Keep, number: str) -> None:
    agent = phones(await asterisk.desk_phone(AGENTS[0]))
    assert await (await agent.dial(number)).refused() == 404


async def test_an_agents_phone_hears_itself_in_the_echo_test(asterisk: TestAsterisk, phones: Keep) -> None:
    agent = phones(await asterisk.desk_phone(AGENTS[0]))
    call = await agent.dial("*43")
    await call.answered()
    call.media.loop_sound(tone(523))
    await call.media.wait_for_tone(523, over=300)


async def test_a_stranger_without_password_can_neither_register_nor_call(asterisk: TestAsterisk, phones: Keep) -> None:
    stranger = phones(await Phone.open(asterisk.sip, "2001", "wrong"))
    with pytest.raises(RegistrationRefused):
        await stranger.register()
    unknown = phones(await Phone.open(asterisk.sip, "+393471234567"))
    assert await (await unknown.dial("+390212345678")).refused() == 401


async def test_a_stranger_who_says_that_it_is_the_trunk_is_not_the_trunk(asterisk: TestAsterisk, phones: Keep) -> None:
    liar = phones(await Phone.open(asterisk.sip, "trunk"))
    assert await (await liar.dial("+390212345678")).refused() == 401


async def test_asterisk_starts_without_one_error_or_warning(make_asterisk: MakeAsterisk) -> None:
    server = await make_asterisk()
    lines = server.settings.log_file.read_text().splitlines()
    told = [line for line in lines if "ERROR" in line or "WARNING" in line]
    assert [line for line in told if not _MACHINE_IS_BUSY.search(line)] == []


async def test_voice_runs_before_all_ordinary_processes_and_what_asterisk_starts_does_not(
    make_asterisk: MakeAsterisk, phones: Keep
) -> None:
    server, ordinary = await make_asterisk(), await make_asterisk(realtime=False)
    with subprocess.Popen(["sleep", "60"]) as probe:
        allowed = put_first(probe.pid)
        probe.kill()
    assert policies(server.instance.pid) == {os.SCHED_RR if allowed else os.SCHED_OTHER}
    assert policies(ordinary.instance.pid) == {os.SCHED_OTHER}
    await (await phones(await server.caller()).dial("+390212345678")).answered()
    async with asyncio.timeout(PATIENCE):
        # A child is born with Asterisk's priority, and gives it back before it becomes the script.
        while policies_of(started_by(server.instance.pid)) != [os.SCHED_OTHER]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "datagram",
    [
        b"\0" * 40,
        b"INVITE",
        b"INVITE sip:+390212345678@127.0.0.1 SIP/2.0\r\n\r\n",
        b"INVITE sip:+390212345678@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nContent-Length: -1\r\n\r\nv=0",
        b"INVITE sip:%00%0d%0aX@127.0.0.1 SIP/2.0\r\n" + b"From: " + b"a" * 3000 + b"\r\n\r\n",
        "REGISTER sip:à@ SIP/2.0\r\nFrom: \xff\r\n\r\n".encode("utf-16"),
    ],
    ids=["zeros", "one word", "no headers", "negative length", "huge header", "wrong encoding"],
)
async def test_malformed_sip_stops_nobody_elses_call(asterisk: TestAsterisk, phones: Keep, datagram: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.bind((CALLER_ADDRESS, 0))
        for _ in range(20):
            outside.sendto(datagram, asterisk.sip)
    call = await phones(await asterisk.caller()).dial("+390212345678")
    await call.answered()
    await call.media.wait_for_sound()


async def test_a_desk_phones_hold_key_is_told_to_the_bridge(asterisk: TestAsterisk, phones: Keep) -> None:
    async with talk(asterisk, phones, AGENTS[3], "90000004") as (_, leg, manager):
        await leg.hold()
        await manager.wait_for("Hold")
        await leg.resume()
        await manager.wait_for("Unhold")


async def test_keys_pressed_by_a_waiting_caller_are_told_to_the_bridge(asterisk: TestAsterisk, phones: Keep) -> None:
    caller = phones(await asterisk.caller())
    async with ScriptedIvr(asterisk.settings.agi_port), asterisk.manager() as manager:
        call = await (await caller.dial("+390212345678")).answered()
        held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        await call.media.dial_digits("7#")
        await manager.wait_for("DTMFEnd", Digit="7", Channel=held["Channel"])
        await manager.wait_for("DTMFEnd", Digit="#", Channel=held["Channel"])


async def test_a_waiting_caller_hears_music_and_its_channel_tells_who_it_is(
    asterisk: TestAsterisk, phones: Keep
) -> None:
    caller = phones(await asterisk.caller("+393471234567"))
    async with ScriptedIvr(asterisk.settings.agi_port) as ivr, asterisk.manager() as manager:
        call = await (await caller.dial("+390212345678")).answered()
        held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        await call.media.wait_for_sound()
        assert ivr.calls[0]["agi_uniqueid"] == held["Ref"]
        told = {
            name: (await manager.action("Getvar", {"Channel": held["Channel"], "Variable": name}))["Value"]
            for name in ("OC_DID", "OC_FROM", "OC_STAGE", "OC_QUEUE")
        }
    assert told == {"OC_DID": "+390212345678", "OC_FROM": "+393471234567", "OC_STAGE": "hold", "OC_QUEUE": "q-test"}


async def test_caller_and_agent_hear_each_other_in_a_room_and_the_recording_holds_both(
    asterisk: TestAsterisk, phones: Keep
) -> None:
    async with talk(asterisk, phones, AGENTS[1], "90000001", recorded=True) as (call, leg, manager):
        call.media.loop_sound(tone(440))
        leg.media.loop_sound(tone(620))
        await asyncio.gather(call.media.wait_for_tone(620, over=440), leg.media.wait_for_tone(440, over=620))
        held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        path = await manager.action("Getvar", {"Channel": held["Channel"], "Variable": "OC_RECORDING"})
        await leg.hang_up()
        assert await call.wait_until_ended() == "remote"
        assert (await manager.wait_for("UserEvent", UserEvent="OcBye", Ref=held["Ref"]))["Stage"] == "after"
        await manager.wait_for("Hangup", Uniqueid=held["Ref"])
    recorded = asterisk.settings.recordings / path["Value"]
    spoken = from_wav(recorded.with_name(recorded.name + "-caller.wav"))
    heard = from_wav(recorded.with_name(recorded.name + "-heard.wav"))
    assert clearly(loudest(spoken, 440), 440, over=620)
    assert clearly(loudest(heard, 620), 620, over=440)
    assert level_at(loudest(from_wav(recorded.with_name(recorded.name + ".wav")), 440), 440) > 2000


async def test_a_room_holds_its_two_parties_and_no_announcer(asterisk: TestAsterisk, phones: Keep) -> None:
    async with talk(asterisk, phones, AGENTS[1], "90000001") as (call, leg, _):
        async with asyncio.timeout(PATIENCE):
            while (parties := await asyncio.to_thread(parties_in_rooms, asterisk)) != [2]:
                assert parties == [3]  # it is on its way out
        leg.media.loop_sound(tone(620))
        await call.media.wait_for_tone(620)


async def test_an_asterisk_that_was_started_without_the_module_for_announcers_connects_all_the_same(
    make_asterisk: MakeAsterisk, phones: Keep
) -> None:
    """One that went on while OneCall was replaced reads the new dialplan, but loads no new module."""
    server = await make_asterisk()
    await asyncio.to_thread(server.instance.command_line, "module unload app_softhangup.so")
    async with talk(server, phones, AGENTS[1], "90000001") as (call, leg, _):
        leg.media.loop_sound(tone(620))
        await call.media.wait_for_tone(620)


async def test_an_asterisk_that_is_taken_over_loads_the_modules_that_are_new(make_asterisk: MakeAsterisk) -> None:
    server = await make_asterisk()
    modules = server.settings.etc / "modules.conf"
    modules.write_text(modules.read_text().replace("load = app_softhangup.so\n", ""))
    told = await asyncio.to_thread(server.instance.command_line, "module unload app_softhangup.so")
    assert "Unloaded" in told
    second = AsteriskInstance(server.settings, server.instance.program)
    assert await second.start() is False
    assert "Running" in await asyncio.to_thread(second.command_line, "module show like app_softhangup.so")


async def test_a_call_goes_on_when_its_recording_cannot_be_written(
    make_asterisk: MakeAsterisk, phones: Keep, tmp_path: Path
) -> None:
    (tmp_path / "recordings").mkdir()
    server = await make_asterisk(recordings=tmp_path / "recordings")
    (tmp_path / "recordings").rmdir()
    (tmp_path / "recordings").write_text("a file where a folder should be: nothing can be written below it")
    async with talk(server, phones, AGENTS[1], "90000001", recorded=True) as (call, leg, _):
        call.media.loop_sound(tone(440))
        leg.media.loop_sound(tone(620))
        await asyncio.gather(call.media.wait_for_tone(620), leg.media.wait_for_tone(440))


async def test_an_agent_left_alone_by_the_caller_is_let_go_without_any_process_of_ours(
    asterisk: TestAsterisk, phones: Keep
) -> None:
    async with talk(asterisk, phones, AGENTS[2], "90000002") as (call, leg, _):
        await call.hang_up()
        assert await leg.wait_until_ended() == "remote"


async def test_a_caller_sent_into_a_room_that_the_agent_has_just_left_waits_again(
    asterisk: TestAsterisk, phones: Keep
) -> None:
    caller = phones(await asterisk.caller())
    async with ScriptedIvr(asterisk.settings.agi_port), asterisk.manager() as manager:
        call = await (await caller.dial("+390212345678")).answered()
        held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        manager.events.clear()
        await manager.action("Redirect", place("oc-caller", "90000003", held["Channel"]))
        await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        await call.media.wait_for_sound()


async def test_a_caller_on_hold_whose_agent_is_gone_waits_in_line_again(
    make_asterisk: MakeAsterisk, phones: Keep
) -> None:
    server = await make_asterisk(rest_seconds=1)
    async with talk(server, phones, AGENTS[0], "90000001") as (call, leg, manager):
        held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        await manager.action("Redirect", place("oc-rest", "s", held["Channel"]))
        await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="rest")
        await call.media.wait_for_sound()
        manager.events.clear()
        await leg.hang_up()
        await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")


async def test_nobody_comes_for_a_waiting_caller_and_survival_takes_over(
    make_asterisk: MakeAsterisk, phones: Keep
) -> None:
    server = await make_asterisk(hold_seconds=1)
    caller = phones(await server.caller())
    async with ScriptedIvr(server.settings.agi_port), server.manager() as manager:
        call = await (await caller.dial("+390212345678")).answered()
        stale = await manager.wait_for("UserEvent", UserEvent="OcStale")
        assert (await manager.wait_for("UserEvent", UserEvent="OcSurvival"))["Ref"] == stale["Ref"]
        await call.media.wait_for_sound()


async def test_asterisk_is_taken_over_with_its_calls_by_the_next_start(
    make_asterisk: MakeAsterisk, phones: Keep
) -> None:
    server = await make_asterisk()
    caller = phones(await server.caller())
    async with ScriptedIvr(server.settings.agi_port):
        call = await (await caller.dial("+390212345678")).answered()
    second = AsteriskInstance(server.settings, server.instance.program)
    assert await second.start() is False
    assert second.pid == server.instance.pid
    await call.media.wait_for_sound()
    await second.stop()
    assert not server.instance.alive()
    assert await call.wait_until_ended() == "remote"


@asynccontextmanager
async def talk(
    server: TestAsterisk, phones: Keep, agent: TestAgent, room: str, *, recorded: bool = False
) -> AsyncIterator[tuple[Call, Call, TestManager]]:
    """A caller and an agent's leg, both up in one room, put there as the bridge does it."""
    desk = phones(await server.desk_phone(agent))
    caller = phones(await server.caller())
    script = (*TO_THE_QUEUE[:1], *(("GOSUB oc-record s 1",) if recorded else ()), *TO_THE_QUEUE[1:])
    async with ScriptedIvr(server.settings.agi_port, script), server.manager() as manager:
        call = await (await caller.dial("+390212345678")).answered()
        held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
        offer = place("oc-leg", room, f"PJSIP/{agent.extension}") | {
            "ChannelId": f"oc-1-{held['Ref']}",
            "Variable": f"PJSIP_HEADER(add,X-OneCall-Id)={held['Ref']}",
            "Async": "true",
        }
        await manager.action("Originate", offer)
        leg = await desk.next_call()
        assert leg.header("X-OneCall-Id") == held["Ref"]
        await leg.answer()
        await manager.wait_for("ConfbridgeJoin", Conference=room)
        assert (await manager.action("Redirect", place("oc-caller", room, held["Channel"])))["Response"] == "Success"
        await manager.wait_for("ConfbridgeJoin", Conference=room, Channel=held["Channel"])
        yield call, leg, manager


def policies(pid: int | None) -> set[int]:
    """How the threads of a process are scheduled."""
    return set(policies_of([int(thread) for thread in os.listdir(f"/proc/{pid}/task")]))


def policies_of(ids: list[int]) -> list[int]:
    """How these threads are scheduled, those left out that have ended meanwhile."""
    found = []
    for one in ids:
        with suppress(ProcessLookupError):
            found.append(os.sched_getscheduler(one))
    return found


def started_by(pid: int | None) -> list[int]:
    """The processes that this one has started."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found += map(int, (thread / "children").read_text().split())
    return found


def parties_in_rooms(server: TestAsterisk) -> list[int]:
    """How many channels each mixing bridge has."""
    told = server.instance.command_line("bridge show all")
    return [int(count) for count in re.findall(r"(\d+)\s+base\s+softmix", told)]


def place(context: str, extension: str, channel: str) -> dict[str, str]:
    """Where a channel goes: the fields that Originate and Redirect share."""
    return {"Channel": channel, "Context": context, "Exten": extension, "Priority": "1"}


def clearly(sound: bytes, hertz: float, *, over: float) -> bool:
    """Whether the tone is there, and not the other party's."""
    return level_at(sound, hertz) > 2000 and level_at(sound, hertz) > 5 * level_at(sound, over)


def loudest(sound: bytes, hertz: float) -> bytes:
    """Those 200 ms of the sound in which a tone is strongest."""
    step = RATE // 5
    return max((sound[n : n + step] for n in range(0, len(sound) - step, step)), key=lambda part: level_at(part, hertz))


async def test_behind_a_router_callers_outside_are_told_its_address_and_those_inside_are_not(
    make_asterisk: MakeAsterisk, phones: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Inside is 127.0.0.0/24 here: the trunk, at 127.0.1.1, is outside.
    monkeypatch.setattr("onecall.asterisk_config._LOCAL_NETWORKS", ("127.0.0.0/24",))
    server = await make_asterisk(external_address="127.0.0.9", local_address="127.0.0.1")
    told = []
    for phone, number in ((await server.caller(), "+390212345678"), (await server.desk_phone(AGENTS[0]), "*43")):
        call = await phones(phone).dial(number)
        await call.answered()
        told.append(call.media_address)
    assert [address for address, _ in told] == ["127.0.0.9", "127.0.0.1"]
