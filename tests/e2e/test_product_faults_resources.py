"""When the disk is full, the database locked, or nonsense comes in from outside: calls go on, and it is said."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from phones.call import CallRefused
from phones.phone import Phone
from tests.e2e.harness.manager import TestManager
from tests.e2e.harness.server import CALLER_ADDRESS, REPOSITORY
from tests.e2e.product import MOBILE, Product, running
from tests.e2e.product_desktop import Desktop
from tests.e2e.product_people import Seat, until
from tests.e2e.product_sound import until_heard

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLER, AGENT = 440.0, 700.0
_DISK_BYTES = 24_000_000
_NONSENSE_SIP = (
    b"\0\xff\xfe nonsense",
    b"INVITE sip:\r\n\r\n",
    b"INVITE sip:+390116180900@127.0.0.1 SIP/2.0\r\nContent-Length: -1\r\nCall-ID: \r\n\r\n",
    b"INVITE sip:+390116180900@127.0.0.1 SIP/2.0\r\nVia: " + b"x" * 4000 + b"\r\n\r\n",
    b"REGISTER sip:127.0.0.1 SIP/9.9\r\nFrom: \xc3(\r\nTo: <<>>\r\nCSeq: 99999999999 X\r\n\r\n",
)
_NONSENSE_AGI = (
    b"",
    b"\0\xff\xfe\n\n",
    b"agi_network: yes\n" + b"x" * 100_000,
    b"agi_network: yes\nagi_uniqueid: ../../etc\nagi_callerid: \xc3\x28\n\n",
    b"GET / HTTP/1.1\r\nHost: ivr\r\n\r\n",
)
_NONSENSE_EVENTS = (
    {"UserEvent": "OcAt"},
    {"UserEvent": "OcAt", "Ref": "nobody", "Stage": "talk"},
    {"UserEvent": "OcAt", "Ref": "x" * 3000, "Stage": "no such stage", "OC_SINCE": "yesterday"},
    {"UserEvent": "OcBye", "Ref": "Ünïcödé 🐍", "Stage": "", "Cause": "many"},
    {"UserEvent": "OcStale"},
    {"UserEvent": "OcSurvival", "Ref": "../.."},
)


class SmallDisk:
    """A disk of a few megabytes for the recordings; where none may be mounted, a folder that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self.path.mkdir()
        size = f"size={_DISK_BYTES}"
        mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.path)]
        self._mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        self._filler = self.path / "filler"
        self._aside = folder / "aside"

    def fill(self) -> None:
        """From now on nothing can be written."""
        if not self._mounted:
            self.path.rename(self._aside)
            self.path.write_text("not a folder")
            return
        with contextlib.suppress(OSError), self._filler.open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()

    def empty(self) -> None:
        """There is room again."""
        if self._mounted:
            self._filler.unlink(missing_ok=True)
        else:
            self.path.unlink()
            self._aside.rename(self.path)

    def unmount(self) -> None:
        if self._mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path_factory.mktemp("recordings"))
    yield disk
    disk.unmount()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(product_folder: Path, disk: SmallDisk) -> AsyncIterator[Product]:
    settings = {"recordings": disk.path, "recordings_min_free_mb": 2}
    async with running(Product(product_folder, **settings)) as one:
        await one.add_quick_number()
        await one.add_user("marta", "2101")
        yield one


async def test_a_full_recordings_disk_raises_an_alarm_and_costs_no_call(
    product: Product, disk: SmallDisk, chromium: Browser
) -> None:
    async with product.seat("marta", "2101") as marta, Desktop.opened(product, chromium, "elena") as floor:
        async with product.caller("+34600000401", hertz=CALLER) as call:
            leg = await marta.answer(AGENT)
            disk.fill()
            await expect(floor.part("alarms")).to_contain_text("registrazion", timeout=60_000)
            await floor.picture("faults-3-disk-full-alarm")
            await until_heard(call, AGENT)
            await until_heard(leg, CALLER)
            await leg.hang_up()
            assert await call.wait_until_ended() == "remote"
        await marta.finish()
        failed = await one_good_call(product, marta, "+34600000402")
        assert (await product.recording(failed))["problem"] is not None
        disk.empty()
        interaction = await one_good_call(product, marta, "+34600000403")
        row = await product.recording(interaction)
        assert row["problem"] is None
        assert (disk.path / row["path"]).stat().st_size == row["bytes"] > 8000
        await expect(floor.part("alarms")).to_contain_text("Nessun allarme", timeout=60_000)


async def test_a_locked_database_costs_no_call_and_each_fact_arrives_once(product: Product) -> None:
    number = "+34600000411"
    async with product.seat("marta", "2101") as marta:
        said = len(product.log_text())
        with locked(product.state / "onecall.db"):
            async with product.caller(number, hertz=CALLER) as call:
                leg = await marta.answer(AGENT)
                await until_heard(call, AGENT)
                await until_heard(leg, CALLER)
                await marta.desk.command("call.hold")
                await marta.desk.until_phase("hold")
                await marta.desk.command("call.resume")
                await marta.desk.until_phase("talking")
                # Writes have been refused, not only been slow.
                await until(lambda: "facts wait on disk" in product.log_text()[said:], "the database is missed")
                assert not product.facts("call.arrived", _interaction(marta))
                await leg.hang_up()
                assert await call.wait_until_ended() == "remote"
            await marta.desk.until_state("wrap_up")
            interaction = _interaction(marta)
        told = ("call.arrived", "queue.entered", "offer.made", "call.answered", "call.hold", "call.resume")
        for kind in (*told, "agent.left", "call.ended", "recording.closed"):
            assert len(await product.stored(kind, interaction)) == 1, kind
        await marta.desk.until(lambda now: (now["call"] or {}).get("ticket_id"), "the ticket is opened late", 30)
        tickets = product.rows("SELECT * FROM ticket WHERE origin_key = ?", interaction)
        assert [ticket["id"] for ticket in tickets] == [marta.desk.call["ticket_id"]]
        await marta.finish()


async def test_nonsense_from_outside_disturbs_nobody(product: Product) -> None:
    async with product.seat("marta", "2101") as marta, product.caller("+34600000421", hertz=CALLER) as call:
        leg = await marta.answer(AGENT)
        await send_nonsense_by_sip(product)
        await send_nonsense_by_agi(product)
        await send_nonsense_by_manager(product)
        await until_heard(call, AGENT)
        await until_heard(leg, CALLER)
        await call.hang_up()
        await marta.finish()
        await one_good_call(product, marta, "+34600000422")
        assert product.process.poll() is None


async def test_hostile_caller_names_stay_text(product: Product) -> None:
    for name in ("x\\r\\nAction: Logoff", "Nicolò “Ñandú” 🐍", "a,b|c;d&e${OC_ID}$[1+1]", "%0d%0aAction: Logoff"):
        phone = await Phone.open(product.sip, "+34600000431", address=CALLER_ADDRESS)
        call = await phone.dial(MOBILE, name=name)
        await call.answered()
        await call.media.wait_for_sound()
        await phone.close()
    async with product.seat("marta", "2101") as marta:
        await one_good_call(product, marta, "+34600000432")


async def test_a_call_to_anything_but_a_number_is_refused(product: Product) -> None:
    phone = await Phone.open(product.sip, "+34600000441", address=CALLER_ADDRESS)
    for dialled in ("s", "oc-leg", "*43", "+39x", "oc-ivr,s,1"):
        call = await phone.dial(dialled)
        with pytest.raises(CallRefused):
            await call.answered()
    await phone.close()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("HTTP_PORT", "eighty", "ONECALL_HTTP_PORT='eighty'"),
        ("OFFER_SECONDS", "0", "ONECALL_OFFER_SECONDS='0'"),
        ("TRUNK_ADDRESSES", "my-provider", "'my-provider' is not an address"),
        ("SIP_PRT", "5060", "do you mean ONECALL_SIP_PORT?"),
    ],
)
async def test_a_wrong_setting_is_refused_before_anything_is_done(
    tmp_path: Path, setting: str, value: str, told: str
) -> None:
    code, said = await start_with(tmp_path / "state", {f"ONECALL_{setting}": value})
    assert (code, told in said) == (2, True), said
    assert not (tmp_path / "state").exists()


async def test_a_taken_port_is_refused_with_the_setting_that_moves_it(product: Product, tmp_path: Path) -> None:
    taken = {**product.environment, "ONECALL_STATE": str(tmp_path / "state")}
    code, said = await start_with(tmp_path / "state", taken)
    assert code == 2
    assert f"port {product.ports['http']} (web) is taken" in said
    assert "ONECALL_HTTP_PORT=" in said
    assert not (tmp_path / "state" / "onecall.db").exists()


async def test_a_wrong_flow_file_is_refused_before_anybody_is_served(tmp_path: Path) -> None:
    house = Product(tmp_path)
    (house.state / "flows").mkdir(parents=True)
    file = house.state / "flows" / "summer.yaml"
    file.write_text("flow: summer\nstart: care\nsteps:\n  care: {do: queue, queue: q-nowhere}\n")
    code, said = await start_with(house.state, house.environment)
    assert code == 2
    assert "summer.yaml, step 'care' (queue)" in said
    assert "q-nowhere" in said
    assert "OneCall is ready" not in said


async def test_a_wrong_call_flow_is_refused_with_its_line_and_the_running_one_stays(product: Product) -> None:
    async with product.signed_in("admin") as admin:
        (flow,) = [flow for flow in (await admin.get("/admin/flows"))["items"] if flow["id"] == "quick"]
        for broken, told in (
            (flow["yaml"].replace("queue: q-care", "queue: q-nowhere"), "step 'care' (queue)"),
            (flow["yaml"].replace("steps:", "steps: ]"), "line 7"),
        ):
            answer = await admin.client.patch(f"/admin/flows/{flow['id']}", json={"version": 1, "yaml": broken})
            assert answer.status_code == 422
            assert told in answer.text
        (kept,) = [one for one in (await admin.get("/admin/flows"))["items"] if one["id"] == "quick"]
        assert kept == flow


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """While inside, nobody else can write to the database."""
    database = sqlite3.connect(file, timeout=20, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


async def one_good_call(product: Product, seat: Seat, number: str) -> str:
    """A call in which both hear each other; returns its interaction."""
    async with product.caller(number, hertz=CALLER) as call:
        leg = await seat.answer(AGENT)
        interaction = _interaction(seat)
        await until_heard(call, AGENT)
        await until_heard(leg, CALLER)
        await leg.hang_up()
        assert await call.wait_until_ended() == "remote"
    await seat.finish()
    return interaction


async def send_nonsense_by_sip(product: Product) -> None:
    loop = asyncio.get_running_loop()
    for address in ("127.0.0.1", CALLER_ADDRESS):
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(address, 0))
        for message in _NONSENSE_SIP:
            transport.sendto(message, product.sip)
        transport.close()


async def send_nonsense_by_agi(product: Product) -> None:
    for message in _NONSENSE_AGI:
        _, writer = await asyncio.open_connection("127.0.0.1", product.ports["agi"])
        with contextlib.suppress(ConnectionError):
            writer.write(message)
            await writer.drain()
            writer.close()
            await writer.wait_closed()


async def send_nonsense_by_manager(product: Product) -> None:
    """Events that no dialplan of ours would raise reach the bridge."""
    secret = (product.state / "asterisk" / "manager.secret").read_text().strip()
    async with TestManager(("127.0.0.1", product.ports["ami"]), "onecall", secret) as manager:
        for event in _NONSENSE_EVENTS:
            await manager.action("UserEvent", event)


async def start_with(state: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Start OneCall, which is to refuse: its exit code and what it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ONECALL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "onecall",
        "run",
        "--no-set-up",
        cwd=REPOSITORY,
        env={**clean, "ONECALL_STATE": str(state), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


def _interaction(seat: Seat) -> str:
    return str(seat.desk.call["interaction_id"])
