"""The bus: topics that fan out and services that answer. In one process by default, over Redis between several.

Both adapters keep one contract, proved by one test run against each: a subscriber gets the messages of its topics in
the order they were published; a slow subscriber never delays a publisher and loses, oldest first, only beyond its
limit; a request is answered once or raises. Whoever may have missed messages (by that, or because the connection was
lost) is told by the message `(GAP, {})` before the next one, and reads anew what it keeps.
"""

import asyncio
import fnmatch
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import redis.asyncio as redis

from core.ending import end
from core.errors import OneCallError, Unavailable, error_from_dict
from core.ids import new_id
from core.log import get_logger
from core.metrics import Counter

Message = Mapping[str, Any]
Handler = Callable[[Message], Awaitable[Message]]
GAP = "gap"
"""Topic of the message that stands for those that were missed."""
_BACKLOG = 1000
_SUBSCRIBED_WITHIN = 10.0
_log = get_logger(__name__)
_gaps = Counter("onecall_bus_gaps_total", "Times that a subscriber was told that it may have missed messages")


class Subscription:
    """An open ear for some topics (a trailing `*` matches any ending). Iterate it; leave the `async with` to close."""

    def __init__(self, topics: tuple[str, ...], close: Callable[["Subscription"], Awaitable[None]]) -> None:
        self.topics = topics
        self._missed = False
        self._close = close
        self._waiting: deque[tuple[str, Message]] = deque()
        self._arrived = asyncio.Event()

    def offer(self, topic: str, message: Message) -> None:
        """Hand over a message (adapters call this)."""
        if not any(fnmatch.fnmatchcase(topic, pattern) for pattern in self.topics):
            return
        if len(self._waiting) >= _BACKLOG:
            self._waiting.popleft()
            self.miss()
        self._waiting.append((topic, message))
        self._arrived.set()

    def miss(self) -> None:
        """Messages may have been lost (adapters call this): the subscriber is told before the next one."""
        if not self._missed:
            self._missed = True
            _gaps.inc()
        self._arrived.set()

    async def next(self) -> tuple[str, Message]:
        """The next message, or `(GAP, {})`; waits for it."""
        while not (self._waiting or self._missed):
            self._arrived.clear()
            await self._arrived.wait()
        if self._missed:
            self._missed = False
            return GAP, {}
        return self._waiting.popleft()

    async def __aiter__(self) -> AsyncIterator[tuple[str, Message]]:
        while True:
            yield await self.next()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close(self)


class Bus(Protocol):
    """What the rooms see of it. Messages are mappings that JSON can carry."""

    async def publish(self, topic: str, message: Message) -> None:
        """Tell every subscriber. Raises Unavailable when the bus itself cannot be reached."""

    async def subscribe(self, *topics: str) -> Subscription:
        """Hear what is published from now on."""

    async def request(self, service: str, message: Message, timeout: float = 5.0) -> Message:
        """Ask a service. Raises its OneCallError, or Unavailable when nobody answers within `timeout` seconds."""

    async def serve(self, service: str, handler: Handler) -> None:
        """Answer requests to `service` with `handler` until the bus is closed."""

    async def close(self) -> None:
        """Let go of everything."""


class LocalBus:
    """The bus inside one process."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._handlers: dict[str, Handler] = {}

    async def publish(self, topic: str, message: Message) -> None:
        """Tell every subscriber."""
        self.publish_now(topic, message)

    def publish_now(self, topic: str, message: Message) -> None:
        """Tell every subscriber without a turn of the event loop."""
        for subscription in self._subscriptions:
            subscription.offer(topic, message)

    def miss(self, topic: str) -> None:
        """Tell the subscribers of `topic` (as they wrote it) that they may have missed messages."""
        for subscription in self._subscriptions:
            if topic in subscription.topics:
                subscription.miss()

    async def subscribe(self, *topics: str) -> Subscription:
        """Hear what is published from now on."""

        async def close(subscription: Subscription) -> None:
            with suppress(ValueError):
                self._subscriptions.remove(subscription)

        subscription = Subscription(topics, close)
        self._subscriptions.append(subscription)
        return subscription

    async def request(self, service: str, message: Message, timeout: float = 5.0) -> Message:
        """Ask a service. Raises its OneCallError, or Unavailable when nobody answers within `timeout` seconds."""
        handler = self._handlers.get(service)
        if handler is None:
            raise _nobody(service)
        try:
            async with asyncio.timeout(timeout):
                return await handler(message)
        except TimeoutError:
            raise _nobody(service) from None

    async def serve(self, service: str, handler: Handler) -> None:
        """Answer requests to `service` with `handler` until the bus is closed."""
        self._handlers[service] = handler

    async def close(self) -> None:
        """Let go of everything."""
        self._subscriptions.clear()
        self._handlers.clear()


@dataclass(slots=True, eq=False)
class _Ear:
    """One subscription at Redis. `needed` counts those who wait for its beginning."""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    needed: int = 0


class RedisBus:
    """The bus between processes, on Redis publish/subscribe; a lost connection is taken up again by itself."""

    def __init__(self, url: str, prefix: str = "onecall") -> None:
        self._redis = redis.from_url(url)
        self._prefix = prefix
        self._ears: dict[str, _Ear] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._local = LocalBus()
        self._replies = f"reply.{new_id()}"
        self._open: dict[str, asyncio.Future[Message]] = {}

    async def publish(self, topic: str, message: Message) -> None:
        """Tell every subscriber. Raises Unavailable when Redis cannot be reached."""
        try:
            await self._redis.publish(f"{self._prefix}:{topic}", json.dumps(message, separators=(",", ":")))
        except redis.RedisError as error:
            raise Unavailable(
                f"The bus cannot be reached: {error}.", "Check that Redis runs (ONECALL_REDIS_URL)."
            ) from None

    async def subscribe(self, *topics: str) -> Subscription:
        """Hear what is published from now on."""
        for topic in topics:
            await self._listen(topic)
        return await self._local.subscribe(*topics)

    async def request(self, service: str, message: Message, timeout: float = 5.0) -> Message:
        """Ask a service. Raises its OneCallError, or Unavailable when nobody answers within `timeout` seconds."""
        request_id = new_id()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._open[request_id] = future
        try:
            async with asyncio.timeout(timeout):
                await self._listen(self._replies, self._on_reply)
                await self.publish(f"ask.{service}", {"id": request_id, "to": self._replies, "ask": message})
                answer = await future
        except TimeoutError:
            raise _nobody(service) from None
        finally:
            del self._open[request_id]
        if "error" in answer:
            raise error_from_dict(answer["error"])
        return dict(answer["reply"])

    async def serve(self, service: str, handler: Handler) -> None:
        """Answer requests to `service` with `handler` until the bus is closed."""

        def on_ask(_topic: str, asked: Message) -> None:
            task = asyncio.get_running_loop().create_task(self._answer(handler, asked))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

        await self._listen(f"ask.{service}", on_ask)

    async def _answer(self, handler: Handler, asked: Message) -> None:
        try:
            answer: Message = {"reply": await handler(asked["ask"])}
        except OneCallError as error:
            answer = {"error": error.as_dict()}
        except Exception:
            _log.exception("service failed", ask=asked.get("ask"))
            answer = {"error": Unavailable("The request failed inside the server.", "See the server's log.").as_dict()}
        with suppress(Unavailable):
            await self.publish(asked["to"], {"id": asked["id"], **answer})

    def _on_reply(self, _topic: str, answer: Message) -> None:
        future = self._open.get(answer["id"])
        if future is not None and not future.done():
            future.set_result(answer)

    async def _listen(self, topic: str, hear: Callable[[str, Message], None] | None = None) -> None:
        """Have one ear for `topic`. Raises Unavailable, and has none, when Redis does not answer in time."""
        ear = self._ears.get(topic)
        if ear is None:
            ear = self._ears[topic] = _Ear()
            hear = hear or self._local.publish_now
            ear.task = asyncio.get_running_loop().create_task(self._keep_hearing(topic, hear, ear.ready))
        ear.needed += 1
        try:
            async with asyncio.timeout(_SUBSCRIBED_WITHIN):
                await ear.ready.wait()
        except TimeoutError:
            raise Unavailable("The bus cannot be reached.", "Check that Redis runs (ONECALL_REDIS_URL).") from None
        finally:
            ear.needed -= 1
            if not ear.needed and not ear.ready.is_set() and ear.task is not None:
                # Nobody waits any more: left alone it would hear everything a second time beside the next try's.
                ear.task.cancel()
                self._ears.pop(topic, None)

    async def _keep_hearing(self, topic: str, hear: Callable[[str, Message], None], ready: asyncio.Event) -> None:
        pause = 0.05
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as ear:
                    await ear.psubscribe(f"{self._prefix}:{topic}")
                    async for event in ear.listen():
                        if event["type"] == "psubscribe":
                            if ready.is_set():
                                self._local.miss(topic)
                            ready.set()
                            pause = 0.05
                        elif event["type"] == "pmessage":
                            self._hear(hear, event["channel"].decode(), event["data"])
            except (redis.RedisError, OSError) as error:
                _log.warning("bus connection lost", topic=topic, error=str(error), retry_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _hear(self, hear: Callable[[str, Message], None], channel: str, data: bytes) -> None:
        try:
            hear(channel.removeprefix(f"{self._prefix}:"), json.loads(data))
        except Exception:
            _log.exception("bus message not understood", channel=channel)

    async def close(self) -> None:
        """Let go of everything."""
        await end([*self._answering, *(ear.task for ear in self._ears.values() if ear.task is not None)])
        await self._redis.aclose()


def _nobody(service: str) -> Unavailable:
    return Unavailable(f"The service {service!r} does not answer.", "It may be restarting: try again in a moment.")
