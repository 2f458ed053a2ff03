"""The outward feed over MQTT, for wallboards, CRMs and BI: retained states of queues, agents and alarms, and events.

Topics: `onecall/status` (`online`, or `offline` as last will), `onecall/queues/<id>`, `onecall/agents/<id>`,
`onecall/alarms/<id>` (all retained, JSON; empty when the thing is gone), `onecall/events/ticket`. No caller's number
and no customer's name is ever in it. OneCall works the same without a broker.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from core.bus import Bus, Message
from core.ending import end
from core.errors import Invalid, OneCallError
from core.log import get_logger
from core.metrics import Counter, Gauge

_log = get_logger(__name__)
_connected = Gauge("onecall_mqtt_connected", "Whether the MQTT broker is connected (1) or not (0)")
_published = Counter("onecall_mqtt_messages_total", "Messages published to the MQTT broker")
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_AT_LEAST_ONCE = 1
_LONGEST_PAUSE = 30.0
_STATUS = "status"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None


def broker_of(url: str) -> Broker:
    """Reads `mqtt[s]://[user:password@]host[:port]`. Raises Invalid."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise Invalid(
            "ONECALL_MQTT_URL is not the address of an MQTT broker.",
            "Write mqtt://user:password@host:1883, or mqtts:// for TLS.",
        )
    return Broker(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


@asynccontextmanager
async def feeding(url: str, bus: Bus, *, prefix: str = "onecall") -> AsyncIterator[None]:
    """While inside, the broker at `url` is fed; it may come and go. Raises Invalid for a wrong URL."""
    feed = Feed(broker_of(url), bus, prefix)
    task = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        await end([task])


class Feed:
    """Follows the bus topics `floor` and `ticket` and keeps the broker's retained topics like them."""

    def __init__(self, broker: Broker, bus: Bus, prefix: str) -> None:
        self._broker = broker
        self._bus = bus
        self._prefix = prefix
        self._told: dict[str, str] = {}

    async def run(self) -> None:
        """Feed for ever; a lost broker or bus is taken up again, at first after half a second."""
        pause = 0.5
        while True:
            try:
                async with self._client() as client:
                    _connected.set(1)
                    _log.info("MQTT broker connected", host=self._broker.host, port=self._broker.port)
                    pause = 0.5
                    await self._feed_until_lost(client)
            except (aiomqtt.MqttError, OneCallError, OSError) as error:
                _log.warning("MQTT feed interrupted", why=str(error), retry_in=pause)
            finally:
                _connected.set(0)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            hostname=self._broker.host,
            port=self._broker.port,
            username=self._broker.user,
            password=self._broker.password,
            tls_context=ssl.create_default_context() if self._broker.tls else None,
            will=aiomqtt.Will(f"{self._prefix}/{_STATUS}", "offline", _AT_LEAST_ONCE, retain=True),
            keepalive=15,
        )

    async def _feed_until_lost(self, client: aiomqtt.Client) -> None:
        """Raises what interrupts the feed; when it is cancelled, the broker is told that we are off."""
        # Only a reader hears that the connection is gone while there is nothing to publish.
        parts = [asyncio.create_task(self._feed(client)), asyncio.create_task(_read(client))]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        except asyncio.CancelledError:
            with suppress(aiomqtt.MqttError):
                await client.publish(f"{self._prefix}/{_STATUS}", "offline", qos=_AT_LEAST_ONCE, retain=True, timeout=2)
            raise
        finally:
            await end(parts)

    async def _feed(self, client: aiomqtt.Client) -> None:
        # A broker that has been away may have lost what it retained: everything is told anew.
        self._told = {}
        async with await self._bus.subscribe("floor", "ticket") as subscription:
            await self._tell(client, _STATUS, "online")
            await self._floor(client, await self._bus.request("acd", {"cmd": "floor.get"}))
            async for topic, message in subscription:
                if topic == "floor":
                    await self._floor(client, message)
                elif topic == "ticket":
                    event = {key: message.get(key) for key in ("ticket_id", "customer_id", "version", "change")}
                    await self._publish(client, "events/ticket", _json(event), retain=False)

    async def _floor(self, client: aiomqtt.Client, floor: Message) -> None:
        states = states_of(floor)
        for topic, state in states.items():
            await self._tell(client, topic, state)
        for topic in [topic for topic in self._told if topic != _STATUS and topic not in states]:
            await self._publish(client, topic, "", retain=True)
            del self._told[topic]

    async def _tell(self, client: aiomqtt.Client, topic: str, state: str) -> None:
        if self._told.get(topic) != state:
            await self._publish(client, topic, state, retain=True)
            self._told[topic] = state

    async def _publish(self, client: aiomqtt.Client, topic: str, payload: str, *, retain: bool) -> None:
        await client.publish(f"{self._prefix}/{topic}", payload, qos=_AT_LEAST_ONCE, retain=retain)
        _published.inc()


async def _read(client: aiomqtt.Client) -> None:
    async for _ in client.messages:
        pass


def states_of(floor: Message) -> dict[str, str]:
    """Topic → JSON of all that is retained, from a Floor of docs/contracts.md."""
    states = {}
    for kind in ("queues", "agents", "alarms"):
        for thing in floor.get(kind, ()):
            states[f"{kind}/{_level(str(thing['id']))}"] = _json(thing)
    return states


def _level(name: str) -> str:
    """A name as one level of a topic: the separators and wildcards of MQTT are replaced."""
    return "".join("_" if letter in "/+#" or ord(letter) < 32 else letter for letter in name)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
