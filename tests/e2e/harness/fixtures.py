"""Fixtures for tests with a real Asterisk; `tests/e2e/conftest.py` imports them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from phones.phone import Phone
from tests.e2e.harness.server import TestAgent, TestAsterisk

AGENTS = tuple(TestAgent(str(2001 + n), f"secret-of-{2001 + n}") for n in range(8))
"""Desk phones that every test Asterisk knows."""
Keep = Callable[[Phone], Phone]
MakeAsterisk = Callable[..., Awaitable[TestAsterisk]]


@pytest.fixture(scope="session")
def asterisk_of_session() -> Iterator[TestAsterisk]:
    """The Asterisk behind ``asterisk``."""
    with tempfile.TemporaryDirectory(prefix="oc-asterisk-") as folder:
        server = TestAsterisk(Path(folder))
        asyncio.run(server.start(AGENTS))
        yield server
        asyncio.run(server.stop())


@pytest_asyncio.fixture
async def asterisk(asterisk_of_session: TestAsterisk) -> TestAsterisk:
    """One Asterisk for the whole session, with ``AGENTS``; nobody serves its IVR port, no earlier test has a call."""
    async with asterisk_of_session.manager() as manager:
        await manager.until_quiet()
    return asterisk_of_session


@pytest_asyncio.fixture
async def make_asterisk() -> AsyncIterator[MakeAsterisk]:
    """Start an Asterisk of one's own (to kill, restart or configure); arguments are AsteriskSettings' fields."""
    async with AsyncExitStack() as stack:

        async def make(agents: tuple[TestAgent, ...] = AGENTS, **changes: object) -> TestAsterisk:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="oc-asterisk-"))
            server = TestAsterisk(Path(folder), **changes)
            stack.push_async_callback(server.stop)
            await server.start(agents)
            return server

        yield make


@pytest_asyncio.fixture
async def phones() -> AsyncIterator[Keep]:
    """``phone = phones(await asterisk.caller())``: the phone is hung up and closed after the test."""
    async with AsyncExitStack() as stack:

        def keep(phone: Phone) -> Phone:
            stack.push_async_callback(phone.close)
            return phone

        yield keep
