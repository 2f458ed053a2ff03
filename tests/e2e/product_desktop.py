"""The agent's desktop in a real browser, driven as a person does: by keys, and by what can be read on the screen."""

from __future__ import annotations

import contextlib
import math
import re
import wave
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, async_playwright, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.e2e.harness.server import REPOSITORY
from tests.e2e.product import Product
from tests.e2e.product_people import until
from tests.patience import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)
SCREENSHOTS = REPOSITORY / ".state" / "screenshots"
VOICE = 820.0
"""What the browser's microphone hears: short tones of this pitch."""
READY, TALKING, ON_HOLD, WRAP_UP = "Pronto", "In conversazione", "In attesa", "Chiusura"
"""What the call bar says in the agents' language, Italian."""
_TONE, _PAUSE, _VOICE_SECONDS, _VOICE_RATE = 0.16, 0.08, 12.0, 48_000
_SIZE: ViewportSize = {"width": 1440, "height": 900}
_PROGRAMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
_WATCH = """
window.seen = { invites: [], pops: [], sockets: [] };
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    window.seen.sockets.push(this);
    this.addEventListener('message', ({ data }) => {
      if (typeof data === 'string' && data.startsWith('INVITE ')) window.seen.invites.push(performance.now());
    });
  }
};
new MutationObserver(() => {
  const desk = document.querySelector('[data-testid=desk][data-mode=ringing]');
  const pop = desk?.querySelector('[data-testid=pop]');
  if (!desk) { window.popped = false; return; }
  if (!window.popped && pop && pop.innerText.trim()) { window.popped = true; window.seen.pops.push(performance.now()); }
}).observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
"""
_LISTEN = """async hertz => {
  const sound = document.querySelector('audio[data-testid=remote-audio]');
  if (!sound?.srcObject) return 0;
  const context = window.ear ??= new AudioContext();
  await context.resume();
  const ear = context.createAnalyser();
  ear.fftSize = 8192;
  ear.smoothingTimeConstant = 0;
  const source = context.createMediaStreamSource(sound.srcObject);
  source.connect(ear);
  await new Promise(done => setTimeout(done, 300));
  const bins = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(bins);
  source.disconnect();
  const width = context.sampleRate / ear.fftSize;
  const power = bins.map(level => 10 ** (level / 10));
  const at = Math.round(hertz / width);
  const near = power.slice(at - 3, at + 4).reduce((sum, each) => sum + each, 0);
  const whole = power.slice(Math.round(60 / width)).reduce((sum, each) => sum + each, 0);
  return 10 * Math.log10(whole) < -70 ? 0 : near / whole;
}"""


def write_voice(file: Path) -> Path:
    """A sound that the browser's noise suppression takes for a voice: tones with pauses, unlike a hum."""
    samples = array("h")
    for number in range(round(_VOICE_SECONDS / (_TONE + _PAUSE))):
        level = 11_000 * (0.7 + 0.3 * (number % 3) / 2)
        length = round(_TONE * _VOICE_RATE)
        for place in range(length):
            edge = min(1.0, place / 480, (length - place) / 480)
            samples.append(round(level * edge * math.sin(2 * math.pi * VOICE * place / _VOICE_RATE)))
        samples.extend([0] * round(_PAUSE * _VOICE_RATE))
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_VOICE_RATE)
        out.writeframes(samples.tobytes())
    return file


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    """The system's Chromium, whose microphone hears `VOICE`."""
    program = next((program for program in _PROGRAMS if Path(program).exists()), None)
    assert program is not None, "No Chromium here: run `make test`, which provisions one."
    voice = write_voice(folder / "voice.wav")
    flags = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={voice}",
        "--allow-loopback-in-peer-connection",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program, headless=True, args=flags)
        try:
            yield chromium
        finally:
            await chromium.close()


class Desktop:
    """One person's browser window on the product."""

    def __init__(self, product: Product, page: Page) -> None:
        self.product = product
        self.page = page
        self.problems: list[str] = []
        """What the page's own scripts complained of."""
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, product: Product, chromium: Browser, login: str, password: str = ""
    ) -> AsyncIterator[Desktop]:
        """A window of its own in which that person has signed in."""
        context = await chromium.new_context(viewport=_SIZE, locale="it-IT", timezone_id="Europe/Rome")
        try:
            desktop = await cls.in_context(product, context, login, password)
            try:
                yield desktop
            except BaseException:
                await desktop.picture(f"failed-{login}")
                raise
        finally:
            await context.close()

    @classmethod
    async def in_context(cls, product: Product, context: BrowserContext, login: str, password: str = "") -> Desktop:
        """Sign in, by keyboard alone."""
        await context.add_init_script(_WATCH)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        desktop = cls(product, page)
        await page.goto(product.url)
        await page.get_by_test_id("login").wait_for()
        await page.keyboard.type(login)
        await page.keyboard.press("Tab")
        await page.keyboard.type(password or product.password(login))
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "sign-in" not in url)
        return desktop

    # ---- what is on the screen ----

    def part(self, name: str) -> Locator:
        """The part of the page with that test id."""
        return self.page.get_by_test_id(name)

    async def text(self, name: str) -> str:
        """What a person reads there."""
        return await self.part(name).inner_text()

    async def until_mode(self, mode: str, timeout: float = PATIENCE) -> None:
        """Wait until the desk shows that mode: idle, ringing, talking, wrap_up."""
        place = self.page.locator(f"[data-testid=desk][data-mode={mode}]")
        await place.wait_for(timeout=timeout * 1000)

    async def until_state(self, word: str, timeout: float = PATIENCE) -> None:
        """Wait until the left end of the call bar says that word, such as `READY`."""
        await self.part("state-menu").filter(has_text=word).wait_for(timeout=timeout * 1000)

    async def until_timer(self, seconds: int) -> None:
        """Wait until the timer at the left end of the call bar shows so many seconds or more."""

        async def shown() -> bool:
            timer = re.search(r"(\d+):(\d\d)", await self.text("state-menu"))
            return timer is not None and int(timer[1]) * 60 + int(timer[2]) >= seconds

        await until(shown, f"the timer shows {seconds} s")

    async def picture(self, name: str) -> None:
        """Keep a picture of the window, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def seen(self, what: str) -> list[float]:
        """Page times (ms) of `invites` (at the SIP socket) or `pops` (in the DOM)."""
        return cast(list[float], await self.page.evaluate(f"window.seen.{what}"))

    # ---- work ----

    async def be_ready(self) -> None:
        """Wait for the phone, then go ready (and, where a caller waits, on to the call)."""
        await self.page.locator("[data-testid=line][data-registration=registered]").wait_for()

        async def pressed() -> bool:
            await self.press_ready()
            called = await self.page.locator("[data-testid=desk][data-mode=ringing]").count()
            return bool(called) or READY in await self.text("state-menu")

        await until(pressed, "the agent is ready", pause=0.3)

    async def press_ready(self) -> None:
        """Press it, if it is there: a phone that is back makes its agent ready by itself, and the button goes."""
        if await self.part("ready").is_visible():
            with contextlib.suppress(PlaywrightTimeout):
                await self.part("ready").click(timeout=1000)

    async def answer(self) -> None:
        """Press F2 when it rings, and wait for the talk."""
        await self.until_mode("ringing")
        await self.press("F2")
        await self.until_mode("talking")

    async def hears(self, hertz: float, timeout: float = PATIENCE) -> None:
        """Wait until the sound of the call is clearly a tone of that pitch."""

        async def share() -> bool:
            return float(await self.page.evaluate(_LISTEN, hertz)) > 0.5

        await until(share, f"the page hears {hertz} Hz", timeout)

    async def hears_nothing(self, timeout: float = PATIENCE) -> None:
        """Wait until the call is silent for the agent."""

        async def silent() -> bool:
            return float(await self.page.evaluate(_LISTEN, 0)) == 0

        await until(silent, "the page hears nothing", timeout)

    async def close_ticket(self, topic: str = "Roaming") -> None:
        """Wrap up by keyboard: resolved, with a topic; ready again."""
        await self.until_mode("wrap_up")
        await self.press("1")
        await self.choose("topic", topic)
        await self.press("Control+Enter")
        await self.until_state(READY)

    async def choose(self, name: str, text: str) -> None:
        """Open a list by keyboard, type a part of the entry's name, and take it."""
        await self.part(name).focus()
        await self.press("Enter")
        entry = self.page.get_by_role("option").filter(has_text=text)
        await entry.first.wait_for()
        await self.page.keyboard.type(text[:12])
        await expect(self.page.locator("[role=option][data-highlighted]")).to_contain_text(text)
        await self.press("Enter")
