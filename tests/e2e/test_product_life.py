"""Starting and stopping as a user does: two copies side by side, a second start, Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest

from tests.e2e.product import Product, running
from tests.e2e.product_people import until
from tests.e2e.product_sound import until_heard

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLER, AGENT = 440.0, 700.0


@pytest.fixture
def folder(product_folder: Path) -> Path:
    """A folder of this test alone."""
    own = product_folder / str(len(list(product_folder.iterdir())))
    own.mkdir()
    return own


async def test_two_copies_serve_side_by_side_and_stopping_one_leaves_the_other_its_calls(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
    one, two = (Product(folder / name) for name in ("one", "two"))
    async with contextlib.AsyncExitStack() as stack:
        for product in (one, two):
            await stack.enter_async_context(running(product))
            await product.add_quick_number()
            await product.add_user("marta", "2101")
        calls = []
        for place, product in enumerate((one, two)):
            seat = await stack.enter_async_context(product.seat("marta", "2101"))
            call = await stack.enter_async_context(product.caller("+34600000601", hertz=CALLER + 100 * place))
            leg = await seat.answer(AGENT + 100 * place)
            calls.append((call, leg))
        for place, (call, leg) in enumerate(calls):
            await until_heard(call, AGENT + 100 * place)
            await until_heard(leg, CALLER + 100 * place)
        others = {two.process.pid, two.asterisk_pid}
        assert others <= set(two.processes())

        assert await one.stop() == 0

        assert await calls[0][0].wait_until_ended() == "remote"
        assert one.processes() == []
        assert all(is_free(port) for port in one.ports.values())
        assert others <= set(two.processes())
        packets = calls[1][0].media.packets
        await until(lambda: calls[1][0].media.packets > packets + 25, "sound still flows")
        await until_heard(calls[1][0], AGENT + 100)
        await calls[1][1].hang_up()


async def test_a_second_start_does_nothing_again_and_forgets_nothing(folder: Path) -> None:
    product = Product(folder)
    async with running(product):
        await product.add_quick_number()
        accounts = json.loads((product.state / "demo-accounts.json").read_text())
        certificate = (product.state / "tls").stat().st_mtime_ns, sorted((product.state / "tls").iterdir())
        customers = product.rows("SELECT count(*) AS n FROM customer")
        assert await product.stop() == 0
        said = len(product.log_text())
        await product.start(set_up=True)
        told = product.log_text()[said:]
        assert "Set-up complete after" in told
        assert "making a self-signed one" not in told
        assert json.loads((product.state / "demo-accounts.json").read_text()) == accounts
        assert ((product.state / "tls").stat().st_mtime_ns, sorted((product.state / "tls").iterdir())) == certificate
        assert product.rows("SELECT count(*) AS n FROM customer") == customers
        for login, password in accounts.items():
            assert login in told
            assert password in told
        async with product.caller("+34600000602"):
            await product.waiting("+34600000602")


async def test_ctrl_c_in_the_middle_of_starting_leaves_nothing_behind(folder: Path) -> None:
    product = Product(folder)
    starting = asyncio.create_task(product.start())
    await until(lambda: product.asterisk_pid, "Asterisk has been started", 60)
    await product.stop()
    with contextlib.suppress(AssertionError):
        await starting
    await until(lambda: not product.processes(), "nothing is left")


async def test_a_polite_end_by_the_system_is_an_end_like_ctrl_c(folder: Path) -> None:
    product = Product(folder)
    async with running(product):
        product.process.terminate()
        assert await asyncio.to_thread(product.process.wait, 40) == 0
        assert product.processes() == []


def is_free(port: int) -> bool:
    """Whether one could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
