"""Fixtures for tests of the whole product; `tests/e2e/conftest.py` imports them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.product import Product, running
from tests.e2e.product_desktop import browser


@pytest.fixture(scope="module")
def product_folder() -> Iterator[Path]:
    """A folder for products: with a short path, because the path of Asterisk's socket in it may not be long."""
    with tempfile.TemporaryDirectory(prefix="oc-product-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(request: pytest.FixtureRequest, product_folder: Path) -> AsyncIterator[Product]:
    """One product for the module, with the settings of its `SETTINGS` and accounts for its `DESK_AGENTS`."""
    settings = getattr(request.module, "SETTINGS", {})
    async with running(Product(product_folder, **settings)) as one:
        await one.add_quick_number()
        for login, extension in getattr(request.module, "DESK_AGENTS", {}).items():
            await one.add_user(login, extension)
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """One Chromium for the module."""
    async with browser(tmp_path_factory.mktemp("browser")) as one:
        yield one
