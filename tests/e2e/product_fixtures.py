"""Fixtures for tests of the whole product; `tests/e2e/conftest.py` imports them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.product import Product, running
from tests.e2e.product_desktop import browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """One product for the module, with the settings of its `SETTINGS` and accounts for its `DESK_AGENTS`."""
    settings = getattr(request.module, "SETTINGS", {})
    async with running(Product(tmp_path_factory.mktemp("product"), **settings)) as one:
        await one.add_quick_number()
        for login, extension in getattr(request.module, "DESK_AGENTS", {}).items():
            await one.add_user(login, extension)
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """One Chromium for the module."""
    async with browser(tmp_path_factory.mktemp("browser")) as one:
        yield one
