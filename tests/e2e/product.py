"""The product as its users have it: `onecall run` in a process of its own, and the people and phones around it.

Nothing in here knows the inside: people use the API and the desk socket, callers and desk phones speak SIP, and what
was stored is read from the database file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import websockets

from onecall.asterisk_program import find_asterisk
from phones.audio import tone
from phones.call import Call
from phones.phone import Phone
from tests.e2e.harness.server import CALLER_ADDRESS, REPOSITORY
from tests.e2e.product_people import Json, Person, Refused, Seat, until
from tests.patience import PATIENCE
from tests.ports import free_ports, sound_ports

MOBILE = "+390116180100"
QUICK = "+390116180900"
"""A number that `Product.add_quick_number` makes: identified, recorded, in the queue within a second or two."""
_QUICK_FLOW = """
flow: quick
name: Straight to customer care
start: identify
prompts:
  short: {it: Sì., en: Yes.}
steps:
  identify: {do: identify, use_language: false, next: consent}
  consent: {do: consent, prompt: short, next: care}
  care: {do: queue, queue: q-care}
"""


class Product:
    """One OneCall with its own folder and ports; `settings` are names of `onecall.settings` without the prefix."""

    command = "run"

    def __init__(self, folder: Path, **settings: object) -> None:
        self.state = folder.resolve() / "state"
        ports = free_ports(8)
        names = ("http", "https", "ws", "wss", "sip", "ami", "agi")
        self.ports = dict(zip(names, ports, strict=False))
        self.trunk_port = ports[-1]
        """Where calls to outside numbers arrive: open a phone there to be called."""
        self._log = folder / "onecall.log"
        given = {"state": self.state, "asterisk_tree": _tree(), **settings}
        given |= {f"{name}_port": port for name, port in self.ports.items()}
        given |= {"trunk_contact": f"sip:{CALLER_ADDRESS}:{self.trunk_port}", **_sound_ports()}
        self.environment = {f"ONECALL_{name.upper()}": str(value) for name, value in given.items() if value is not None}
        self._process: subprocess.Popen[bytes] | None = None

    # ---- life ----

    async def start(self, timeout: float = 90.0, *, set_up: bool = False) -> None:
        """Start it (again) and wait until every part of it says that it works; with `set_up` as `make run` does."""
        self._process = self.launch(self.command, *([] if set_up else ["--no-set-up"]))
        await until(self._works, "OneCall works", timeout)

    def launch(self, *command: str) -> subprocess.Popen[bytes]:
        """One process of this product, in a group of its own."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "onecall", *command],
                cwd=REPOSITORY,
                env={**_clean_environment(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def _works(self) -> bool:
        assert self.process.poll() is None, f"OneCall ended while starting:\n{self.log_end()}"
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.url}/api/health", timeout=5)).status_code == 200
        return False

    def kill(self) -> None:
        """End OneCall as a crash would; its Asterisk goes on."""
        self.process.kill()
        self.process.wait()

    async def stop(self, timeout: float = 40.0) -> int:
        """Press Ctrl-C and wait for the end; returns its exit code. Whatever is left over then is killed."""
        if self._process is None:
            return 0
        try:
            if self._process.poll() is None:
                # As a terminal does: to the whole group of processes.
                os.killpg(self._process.pid, signal.SIGINT)
            return await asyncio.to_thread(self._process.wait, timeout)
        finally:
            self._process.kill()
            if (left := self.asterisk_pid) is not None:
                os.kill(left, signal.SIGKILL)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    @property
    def asterisk_pid(self) -> int | None:
        """Process id of its Asterisk while that runs."""
        home = self.state.resolve() / "asterisk" / "instance"
        try:
            pid = int((home / "run" / "asterisk.pid").read_text())
            told = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(home) in told else None

    def processes(self) -> list[int]:
        """Every process on this machine that has to do with this product."""
        home = os.fsencode(self.state.resolve())
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if home in (process / "cmdline").read_bytes() + (process / "environ").read_bytes():
                    found.append(int(process.name))
        return found

    def asterisk_console(self, command: str) -> str:
        """What its Asterisk's own command line answers."""
        program = find_asterisk(Path(_tree()).resolve())
        assert program is not None, "there is no Asterisk"
        main = self.state.resolve() / "asterisk" / "instance" / "etc" / "asterisk.conf"
        told = subprocess.run(
            [*program.command, "-C", str(main), "-rx", command], capture_output=True, text=True, timeout=30, check=True
        )
        return told.stdout

    def log_text(self) -> str:
        """All that it printed, over all its starts."""
        return self._log.read_text(errors="replace")

    def log_end(self, lines: int = 60) -> str:
        """The last lines that it printed."""
        return "\n".join(self.log_text().splitlines()[-lines:])

    # ---- where it is ----

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['http']}"

    @property
    def sip(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports["sip"]

    @property
    def recordings(self) -> Path:
        return self.state / "recordings"

    def password(self, login: str) -> str:
        """Of a demo account."""
        return str(json.loads((self.state / "demo-accounts.json").read_text())[login])

    # ---- what it has stored ----

    def rows(self, query: str, *values: object) -> list[Json]:
        """What the database holds, read beside the running product."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state / 'onecall.db'}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def facts(self, kind: str, interaction_id: str | None = None) -> list[Json]:
        """Facts of one kind, `data` read, in the order in which they were told."""
        found = self.rows("SELECT * FROM fact WHERE kind = ? ORDER BY id", kind)
        wanted = [row for row in found if interaction_id in (None, row["interaction_id"])]
        return [{**row, "data": json.loads(row["data"])} for row in wanted]

    async def stored(self, kind: str, interaction_id: str, timeout: float = PATIENCE) -> list[Json]:
        """Facts of one kind, once there are any."""
        return await until(lambda: self.facts(kind, interaction_id), f"{kind} is stored", timeout)

    async def interaction_of(self, number: str) -> str:
        """The last call of a number, once it is stored."""
        found = await until(lambda: self._calls_of(number), f"a call of {number} is stored")
        return found[-1]

    def _calls_of(self, number: str) -> list[str]:
        return [row["interaction_id"] for row in self.facts("call.arrived") if row["data"]["number"] == number]

    async def ended(self, interaction_id: str) -> Json:
        """How a call ended, once that is stored; it is told exactly once."""
        (fact,) = await self.stored("call.ended", interaction_id)
        data: Json = fact["data"]
        return data

    async def waiting(self, number: str) -> str:
        """The interaction of a caller, once the caller waits."""
        interaction = await self.interaction_of(number)
        await self.stored("queue.entered", interaction)
        return interaction

    async def recording(self, interaction_id: str) -> Json:
        """The recording of a call, once it is closed."""
        query = "SELECT * FROM recording WHERE interaction_id = ?"
        (row,) = await until(lambda: self.rows(query, interaction_id), "the recording is closed")
        return row

    # ---- people and phones ----

    @contextlib.asynccontextmanager
    async def signed_in(self, login: str, password: str | None = None) -> AsyncIterator[Person]:
        """Somebody who has signed in."""
        async with httpx.AsyncClient(base_url=f"{self.url}/api", timeout=PATIENCE) as client:
            given = {"login": login, "password": password or self.password(login)}
            answer = await client.post("/session", json=given)
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF"] = answer.json()["csrf"]
            yield Person(client, self.url)

    @contextlib.asynccontextmanager
    async def caller(
        self, number: str, dialled: str = QUICK, hertz: float | None = None, timeout: float = PATIENCE
    ) -> AsyncIterator[Call]:
        """An outside caller whose call has been answered, who sounds like `hertz`; hung up at the end."""
        phone = await Phone.open(self.sip, number, address=CALLER_ADDRESS)
        try:
            call = await phone.dial(dialled)
            await call.answered(timeout)
            if hertz is not None:
                call.media.loop_sound(tone(hertz))
            yield call
        finally:
            await phone.close()

    @contextlib.asynccontextmanager
    async def outside_phone(self, number: str) -> AsyncIterator[Phone]:
        """The phone at which calls to outside numbers arrive."""
        phone = await Phone.open(self.sip, number, address=CALLER_ADDRESS, port=self.trunk_port)
        try:
            yield phone
        finally:
            await phone.close()

    @contextlib.asynccontextmanager
    async def desk_phone(self, extension: str) -> AsyncIterator[Phone]:
        """An agent's desk phone, registered."""
        (row,) = self.rows("SELECT phone_secret FROM agent WHERE extension = ?", extension)
        phone = await Phone.open(self.sip, extension, row["phone_secret"])
        try:
            await phone.register()
            yield phone
        finally:
            await phone.close()

    @contextlib.asynccontextmanager
    async def seat(self, login: str, extension: str, *, ready: bool = True) -> AsyncIterator[Seat]:
        """An agent at work with a desk phone: signed in, desk open, phone registered, ready unless told otherwise."""
        async with (
            self.desk_phone(extension) as phone,
            self.signed_in(login) as person,
            person.open_desk() as desk,
        ):
            seat = Seat(person, desk, phone)
            try:
                await desk.until(lambda now: now["agent"]["phone"]["registered"], "the phone is registered")
                await desk.command("agent.sign_in")
                if desk.state == "wrap_up":
                    await desk.command("wrap_up.end", then="not_ready", reason="break")
                if ready:
                    await seat.be_ready()
                yield seat
            finally:
                with contextlib.suppress(Refused, TimeoutError, websockets.ConnectionClosed):
                    await desk.leave()

    async def add_quick_number(self) -> None:
        """As an administrator: a number that leads straight to customer care. Live at once."""
        async with self.signed_in("admin") as admin:
            await admin.post("/admin/flows", {"id": "quick", "name": "Quick", "yaml": _QUICK_FLOW})
            await admin.post("/admin/numbers", {"did": QUICK, "programme_id": "p-mobile", "flow_id": "quick"})

    async def add_user(self, login: str, extension: str) -> None:
        """As an administrator: an account for the agent at that extension (password: `login-at-work`)."""
        async with self.signed_in("admin") as admin:
            account = {"login": login, "name": login.title(), "password": f"{login}-at-work", "roles": ["agent"]}
            await admin.post("/admin/users", {**account, "agent_id": f"a-{extension}"})
        accounts = self.state / "demo-accounts.json"
        accounts.write_text(json.dumps({**json.loads(accounts.read_text()), login: f"{login}-at-work"}))


@contextlib.asynccontextmanager
async def running(product: Product) -> AsyncIterator[Product]:
    """The product, started; at the end stopped, and what it said is told for those who look for a failure."""
    try:
        await product.start()
        yield product
    finally:
        try:
            await product.stop()
        finally:
            sys.stdout.write(product.log_end())


def _tree() -> str:
    return os.environ.get("ONECALL_ASTERISK_TREE") or str(REPOSITORY / ".state" / "asterisk" / "tree")


def _sound_ports() -> dict[str, int]:
    """Two hundred UDP ports."""
    first, last = sound_ports(200)
    return {"rtp_start": first, "rtp_end": last}


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ONECALL_")}
