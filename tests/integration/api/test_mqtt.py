"""The outward feed with a real Mosquitto."""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from api.mqtt import broker_of, feeding
from core.bus import LocalBus
from core.errors import Invalid
from tests.integration.api.stub_acd import StubAcd
from tests.patience import PATIENCE
from tests.ports import free_ports


class Mosquitto:
    """A broker of the test's own, on a loopback port."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and wait until it accepts connections."""
        command = ["mosquitto", "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    def stop(self) -> None:
        """Stop at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Listener:
    """An integrator: the newest message of each topic, and all in order."""

    def __init__(self) -> None:
        self.latest: dict[str, str] = {}
        self.all: list[tuple[str, str]] = []

    async def until(self, condition: Callable[["Listener"], bool], within: float = PATIENCE) -> None:
        """Wait until the condition holds."""
        async with asyncio.timeout(within):
            while not condition(self):
                await asyncio.sleep(0.01)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that is not started yet."""
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


@contextlib.asynccontextmanager
async def listening(broker: Mosquitto) -> AsyncIterator[Listener]:
    """Subscribed to everything under `onecall/`."""
    heard = Listener()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("onecall/#", qos=1)

        async def hear() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                heard.latest[str(message.topic)] = message.payload.decode()
                heard.all.append((str(message.topic), message.payload.decode()))

        task = asyncio.create_task(hear())
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def acd() -> AsyncIterator[StubAcd]:
    """Routing on a bus of its own."""
    bus = LocalBus()
    acd = StubAcd(bus)
    await acd.start()
    yield acd
    await bus.close()


async def test_states_are_retained_for_those_who_come_later(broker: Mosquitto, acd: StubAcd) -> None:
    await broker.start()
    async with feeding(broker.url, acd.bus), listening(broker) as first:
        await first.until(lambda heard: "onecall/agents/a-bice" in heard.latest)
        async with listening(broker) as later:
            await later.until(lambda heard: len(heard.latest) >= 4)
    assert later.latest["onecall/status"] == "online"
    assert json.loads(later.latest["onecall/queues/q-care"])["waiting"] == 2
    assert json.loads(later.latest["onecall/agents/a-anna"])["state"] == "ready"


async def test_only_what_changed_is_told_again_and_what_is_gone_is_cleared(broker: Mosquitto, acd: StubAcd) -> None:
    await broker.start()
    async with feeding(broker.url, acd.bus), listening(broker) as heard:
        await heard.until(lambda heard: "onecall/agents/a-bice" in heard.latest)
        heard.all.clear()
        floor = acd.floor()
        floor["queues"][0]["waiting"] = 3
        floor["agents"].pop()
        await acd.bus.publish("floor", floor)
        await heard.until(lambda heard: heard.latest["onecall/agents/a-bice"] == "")
    assert [topic for topic, _ in heard.all] == ["onecall/queues/q-care", "onecall/agents/a-bice"]
    assert json.loads(heard.latest["onecall/queues/q-care"])["waiting"] == 3


async def test_ticket_events_go_out_without_being_retained(broker: Mosquitto, acd: StubAcd) -> None:
    await broker.start()
    async with feeding(broker.url, acd.bus), listening(broker) as heard:
        await heard.until(lambda heard: "onecall/status" in heard.latest)
        await heard.until(lambda heard: "onecall/agents/a-bice" in heard.latest)
        await acd.bus.publish("ticket", {"ticket_id": "t-1", "customer_id": "c-1", "version": 4, "change": "resolved"})
        await heard.until(lambda heard: "onecall/events/ticket" in heard.latest)
        async with listening(broker) as later:
            await later.until(lambda heard: "onecall/agents/a-bice" in heard.latest)
            assert "onecall/events/ticket" not in later.latest
    assert json.loads(heard.latest["onecall/events/ticket"])["change"] == "resolved"


async def test_a_feed_that_ends_leaves_the_status_offline(broker: Mosquitto, acd: StubAcd) -> None:
    await broker.start()
    async with listening(broker) as heard:
        async with feeding(broker.url, acd.bus):
            await heard.until(lambda heard: heard.latest.get("onecall/status") == "online")
        await heard.until(lambda heard: heard.latest["onecall/status"] == "offline")


async def test_a_feed_that_is_cut_off_is_offline_by_its_last_will_and_comes_back(
    broker: Mosquitto, acd: StubAcd
) -> None:
    await broker.start()
    wires: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", broker.port)
        wires.extend([writer, far_writer])
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))

    between = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    port = between.sockets[0].getsockname()[1]
    async with listening(broker) as heard, feeding(f"mqtt://127.0.0.1:{port}", acd.bus):
        await heard.until(lambda heard: "onecall/agents/a-bice" in heard.latest)
        for wire in wires:
            wire.transport.abort()
        await heard.until(lambda heard: heard.latest["onecall/status"] == "offline")
        await heard.until(lambda heard: heard.latest["onecall/status"] == "online")
    between.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)


async def test_a_broker_that_starts_later_or_comes_back_is_told_everything(broker: Mosquitto, acd: StubAcd) -> None:
    async with feeding(broker.url, acd.bus):
        await asyncio.sleep(0.2)
        await broker.start()
        async with listening(broker) as heard:
            await heard.until(lambda heard: "onecall/agents/a-bice" in heard.latest)
        broker.stop()
        await broker.start()
        async with listening(broker) as heard:
            await heard.until(lambda heard: "onecall/agents/a-bice" in heard.latest)


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "mqtt://host:port", "localhost:1883"])
def test_a_wrong_address_is_refused_with_the_form_it_should_have(url: str) -> None:
    with pytest.raises(Invalid, match="mqtt://user:password@host:1883"):
        broker_of(url)


def test_user_and_password_are_read_from_the_address() -> None:
    broker = broker_of("mqtts://wall:p%40ss@broker.example")
    assert (broker.host, broker.port, broker.tls, broker.user, broker.password) == (
        "broker.example",
        8883,
        True,
        "wall",
        "p@ss",
    )
