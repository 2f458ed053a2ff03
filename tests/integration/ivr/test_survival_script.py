"""The survival script as Asterisk runs it: a process of its own, commands on its output, replies on its input."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE
from tests.unit.ivr.peer import HANG_UP, SILENCE, Channel

SCRIPT = Path(__file__).resolve().parents[3] / "asterisk-config" / "agi" / "survival.py"
ENV = {
    "agi_request": "survival",
    "agi_uniqueid": "1795420800.17",
    "agi_callerid": "3471234567",
    "agi_callingpres": "0",
    "agi_dnid": "+390116180100",
}


class Killed(Exception):
    """The machine takes the script away in this moment."""


class Survival:
    """Runs the script against a channel and keeps what it left behind."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.code: int | None = None
        self.errors = ""

    async def run(self, channel: Channel, env: dict[str, str] | None = None, *, sighup: bool = False) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "ONECALL_SURVIVAL_SPOOL": str(self.spool)},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        told = ENV if env is None else ENV | env
        process.stdin.write("".join(f"{name}: {value}\n" for name, value in told.items()).encode() + b"\n")
        while line := await asyncio.wait_for(process.stdout.readline(), PATIENCE):
            try:
                reply = channel.answer(line.decode().rstrip("\n"))
            except Killed:
                process.kill()
                await process.wait()
                return
            if sighup and reply.startswith("HANGUP"):
                process.send_signal(signal.SIGHUP)
            process.stdin.write(reply.encode() + b"\n")
            if reply.startswith("HANGUP"):
                process.stdin.close()
                break
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        self.code, self.errors = process.returncode, errors.decode()

    def record(self) -> dict[str, Any]:
        """The one record, there being no other file."""
        [file] = [path for path in self.spool.iterdir() if path.is_file()]
        assert file.suffix == ".json"
        record: dict[str, Any] = json.loads(file.read_text())
        return record


@pytest.fixture
def survival(tmp_path: Path) -> Survival:
    for language in ("it", "en"):
        for name in ("apology", "invalid", "taken", "sorry"):
            file = tmp_path / "prompts" / language / f"{name}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return Survival(tmp_path)


def heard(channel: Channel) -> list[str]:
    """What was played, as language/prompt."""
    return ["/".join(name.split("/")[-2:]) for name in channel.played]


async def test_a_keyed_number_is_kept_and_confirmed_in_both_languages(survival: Survival) -> None:
    channel = Channel([*"0612345678", "#"], {"OC_ID": "01k0000000000000000000test", "OC_DID": "+390116180100"})
    await survival.run(channel)
    record = survival.record()
    assert (record["wish"], record["keyed"], record["caller"]) == ("asked", "0612345678", "3471234567")
    assert record["interaction_id"] == "01k0000000000000000000test"
    assert record["did"] == "+390116180100"
    assert heard(channel) == ["it/apology", "en/apology", "it/taken", "en/taken"]
    assert channel.variables["OC_SURVIVED"] == "1"
    assert survival.code == 0


async def test_a_key_into_the_apology_is_the_first_digit(survival: Survival) -> None:
    channel = Channel(["!0", *"612345678", "#"])
    await survival.run(channel)
    assert heard(channel)[0] == "it/apology"
    assert survival.record()["keyed"] == "0612345678"


async def test_hash_alone_asks_for_a_call_back_at_the_calling_number(survival: Survival) -> None:
    channel = Channel(["#"])
    await survival.run(channel)
    assert (survival.record()["wish"], survival.record()["keyed"]) == ("asked", "")
    assert heard(channel)[-1] == "en/taken"


@pytest.mark.parametrize("hidden", [{"agi_callerid": "unknown"}, {"agi_callingpres": "32"}])
async def test_hash_alone_is_not_enough_when_the_number_is_hidden(survival: Survival, hidden: dict[str, str]) -> None:
    channel = Channel(["#", *"0612345678", "#"])
    await survival.run(channel, hidden)
    assert "it/invalid" in heard(channel)
    assert (survival.record()["wish"], survival.record()["keyed"]) == ("asked", "0612345678")


async def test_a_caller_who_keys_nothing_is_kept_as_missed(survival: Survival) -> None:
    channel = Channel([SILENCE])
    await survival.run(channel)
    assert survival.record()["wish"] == "missed"
    assert heard(channel)[-2:] == ["it/sorry", "en/sorry"]
    assert channel.variables["OC_SURVIVED"] == "1"


async def test_a_number_finished_by_silence_counts(survival: Survival) -> None:
    await survival.run(Channel([*"0612345678", SILENCE]))
    assert (survival.record()["wish"], survival.record()["keyed"]) == ("asked", "0612345678")


async def test_star_begins_the_number_anew(survival: Survival) -> None:
    await survival.run(Channel([*"999", "*", *"0612345678", "#"]))
    assert survival.record()["keyed"] == "0612345678"


@pytest.mark.parametrize("sighup", [False, True])
async def test_a_caller_who_hangs_up_while_keying_is_kept_with_what_is_known(survival: Survival, sighup: bool) -> None:
    await survival.run(Channel(["0", "6", HANG_UP]), sighup=sighup)
    record = survival.record()
    assert (record["wish"], record["keyed"], record["caller"]) == ("partial", "06", "3471234567")
    assert survival.code == 0


async def test_a_caller_who_hangs_up_in_the_apology_is_kept_as_missed(survival: Survival) -> None:
    channel = Channel()
    channel.hang_up_at = "STREAM FILE"
    await survival.run(channel)
    assert (survival.record()["wish"], survival.record()["caller"]) == ("missed", "3471234567")


async def test_the_language_found_by_the_ivr_is_spoken_first(survival: Survival) -> None:
    channel = Channel([SILENCE], {"OC_LANG": "en"})
    await survival.run(channel)
    assert heard(channel)[:2] == ["en/apology", "it/apology"]


async def test_without_our_prompts_asterisks_own_are_heard(tmp_path: Path) -> None:
    survival = Survival(tmp_path)
    channel = Channel(["#"])
    await survival.run(channel)
    assert channel.played[:3] == ["im-sorry", "vm-nobodyavail", "privacy-prompt"]
    assert channel.variables["CHANNEL(language)"] == "en"
    assert survival.record()["wish"] == "asked"


async def test_nothing_is_promised_that_could_not_be_written(tmp_path: Path) -> None:
    survival = Survival(tmp_path / "not-there")
    channel = Channel(["#"])
    await survival.run(channel)
    assert "privacy-thankyou" not in channel.played
    assert channel.played[-2:] == ["im-sorry", "please-try-call-later"]
    assert "survival:" in survival.errors


async def test_a_script_killed_in_mid_call_leaves_the_caller_on_disk(survival: Survival) -> None:
    class Killing(Channel):
        def answer(self, line: str) -> str:
            raise Killed

    await survival.run(Killing())
    pending = json.loads((survival.spool / "1795420800.17.pending").read_text())
    assert (pending["wish"], pending["caller"]) == ("missed", "3471234567")


async def test_a_strange_unique_id_cannot_leave_the_folder(survival: Survival) -> None:
    await survival.run(Channel(["#"]), {"agi_uniqueid": "../../etc/x y"})
    assert survival.record()["id"] == "etc-x-y"
