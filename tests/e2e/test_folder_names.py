"""A state folder under `/home/mario rossi` or with letters beyond ASCII serves as any other."""

import asyncio
import json
import tempfile
import wave
from array import array
from pathlib import Path

from phones.audio import decode, from_wav, tone
from tests.e2e.cti_house import RECORDING_IVR, CtiHouse
from tests.e2e.harness.fixtures import Keep, MakeAsterisk

_ANNOUNCED = 880.0


async def test_announcement_recording_and_survival_work_in_a_folder_with_spaces_and_accents(
    make_asterisk: MakeAsterisk, phones: Keep
) -> None:
    with tempfile.TemporaryDirectory(prefix="mario rossi+è@", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        asterisk = await make_asterisk(instance=folder / "i", recordings=folder / "le mie")
        with wave.open(str(folder / "il prompt è.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(array("h", decode(tone(_ANNOUNCED, 2))).tobytes())
        async with CtiHouse(asterisk, RECORDING_IVR) as house:
            call, interaction_id = await house.caller()
            await house.bridge.announce(interaction_id, [str(folder / "il prompt è")])
            await call.media.wait_for_tone(_ANNOUNCED)
            await call.hang_up()
            await house.book.until(lambda: any(fact.kind == "recording.closed" for fact in house.book.facts))
        closed = house.book.facts[-1]
        assert closed.data["problem"] is None
        assert from_wav(folder / "le mie" / closed.data["path"])
        # Nobody answers now: the script of that folder does.
        caller = phones(await asterisk.caller())
        call = await (await caller.dial("+390116180100")).answered()
        await call.media.wait_for_sound()
        await call.hang_up()
        async with asyncio.timeout(15):
            while not (records := list((folder / "i" / "spool" / "survival").glob("*.json"))):
                await asyncio.sleep(0.02)
        assert json.loads(records[0].read_text())["wish"] == "missed"
