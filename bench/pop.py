"""`make bench-pop`: from the offer (its fact) to the pop in the browser's DOM, and whether it is before the INVITE.

The whole product with a real browser; the page's own clock and the server's are the same machine's. The INVITE is
timed at the page's SIP socket, where the phone would begin to ring.
"""

import argparse
import asyncio
import json
import tempfile
from functools import partial
from pathlib import Path

from playwright.async_api import Browser

from bench.wire import percentile
from tests.e2e.product import Product
from tests.e2e.product_desktop import Desktop, browser
from tests.e2e.product_people import until


async def _calls(product: Product, chromium: Browser, count: int) -> tuple[list[float], int]:
    """Milliseconds from each offer to its pop, and how many pops were there before their INVITE.

    Raises AssertionError when a pop or an INVITE does not come at all.
    """
    waits: list[float] = []
    first = 0
    async with Desktop.opened(product, chromium, "giulia") as desk:
        origin = float(await desk.page.evaluate("performance.timeOrigin"))
        await desk.be_ready()
        for number in range(1, count + 1):
            async with product.caller(f"+39347000{number:04d}"):
                await until(partial(_seen, desk, "invites", number), f"INVITE {number}", 40)
                await until(partial(_seen, desk, "pops", number), f"pop {number}", 20)
            pops, invites = await desk.seen("pops"), await desk.seen("invites")
            offers = await until(partial(_offers, product, number), f"offer {number} is stored", 20) or []
            if not len(pops) == len(invites) == len(offers) == number:
                raise AssertionError(f"call {number}: {len(offers)} offers, {len(pops)} pops, {len(invites)} INVITEs")
            waits.append(origin + pops[-1] - offers[-1]["at"] * 1000)
            first += pops[-1] < invites[-1]
            await desk.until_mode("idle")
    return waits, first


async def _seen(desk: Desktop, what: str, count: int) -> bool:
    return len(await desk.seen(what)) >= count


def _offers(product: Product, count: int) -> list[dict[str, float]] | None:
    found = product.facts("offer.made")
    return found if len(found) >= count else None


async def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    count = 10 if parser.parse_args().short else 60
    with tempfile.TemporaryDirectory(prefix="oc-pop-") as folder:
        product = Product(Path(folder))
        try:
            await product.start()
            await product.add_quick_number()
            async with browser(Path(folder)) as chromium:
                waits, first = await _calls(product, chromium, count)
        finally:
            await product.stop()
    result = {
        "pop_p50_ms": round(percentile(waits, 0.5), 1),
        "pop_p99_ms": round(percentile(waits, 0.99), 1),
        "pop_before_ring_share": round(first / len(waits), 3),
        "calls": len(waits),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
