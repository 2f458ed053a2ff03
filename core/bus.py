"""The bus: topics that fan out and services that answer. In one process by default, over Redis between several.

Both adapters keep one contract, proved by one test run against each: a subscriber gets the messages of its topics in
the order they were published; a slow subscriber never delays a publisher and loses, oldest first, only beyond its
limit, which it is told by `Subscription.lost`; a request is answered once or raises.
"""

import asyncio
import fnmatch
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

import redis.asyncio as redis

from core.errors import OneCallError, Unavailable, error_from_dict
from core.ids import new_id
from core.log import get_logger

Message = Mapping[str, Any]
Handler = Callable[[Message], Awaitable[Message]]
_BACKLOG = 1000
_log = get_logger(__name__)


class Subscription:
    """An open ear for some topics (a trailing `*` matches any ending). Iterate it; leave the `async with` to close."""

    def __init__(self, topics: tuple[str, ...], close: Callable[["Subscription"], Awaitable[None]]) -> None:
        self.topics = topics
        self.lost = 0
        self._close = close
        self._waiting: deque[tuple[str, Message]] = deque()
        self._arrived = asyncio.Event()

    def offer(self, topic: str, message: Message) -> None:
        """Hand over a message (adapters call this)."""
        if not any(fnmatch.fnmatchcase(topic, pattern) for pattern in self.topics):
            return
        if len(self._waiting) >= _BACKLOG:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append((topic, message))
        self._arrived.set()

    async def next(self) -> tuple[str, Message]:
        """The next message; waits for it."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
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


class RedisBus:
    """The bus between processes, on Redis publish/subscribe; a lost connection is taken up again by itself."""

    def __init__(self, url: str, prefix: str = "onecall") -> None:
        self._redis = redis.from_url(url)
        self._prefix = prefix
        self._ears: set[asyncio.Task[None]] = set()
        self._local = LocalBus()
        self._replies = f"reply.{new_id()}"
        self._open: dict[str, asyncio.Future[Message]] = {}
        self._started = asyncio.Lock()
        self._listening: set[str] = set()

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
        await self._listen(self._replies, self._on_reply)
        request_id = new_id()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._open[request_id] = future
        try:
            await self.publish(f"ask.{service}", {"id": request_id, "to": self._replies, "ask": message})
            async with asyncio.timeout(timeout):
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
            self._keep(asyncio.get_running_loop().create_task(self._answer(handler, asked)))

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
        async with self._started:
            if topic in self._listening:
                return
            ready = asyncio.Event()
            self._keep(asyncio.get_running_loop().create_task(self._ear(topic, hear or self._local.publish_now, ready)))
            try:
                async with asyncio.timeout(10):
                    await ready.wait()
            except TimeoutError:
                raise Unavailable("The bus cannot be reached.", "Check that Redis runs (ONECALL_REDIS_URL).") from None
            self._listening.add(topic)

    async def _ear(self, topic: str, hear: Callable[[str, Message], None], ready: asyncio.Event) -> None:
        pause = 0.05
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as ear:
                    await ear.psubscribe(f"{self._prefix}:{topic}")
                    async for event in ear.listen():
                        if event["type"] == "psubscribe":
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

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._ears.add(task)
        task.add_done_callback(self._ears.discard)

    async def close(self) -> None:
        """Let go of everything."""
        tasks = list(self._ears)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()


def _nobody(service: str) -> Unavailable:
    return Unavailable(f"The service {service!r} does not answer.", "It may be restarting: try again in a moment.")
