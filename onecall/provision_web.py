"""The web app, built when its sources have changed since the last build."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from core.errors import Unavailable
from onecall.provision_step import Step, run_logged

WEB = Path(__file__).resolve().parent.parent / "web"
_OLDEST_NODE = (20, 19)
_SOURCES = (
    "src",
    "public",
    "index.html",
    "openapi.json",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
)
_LOCKED = ("package.json", "package-lock.json")


class WebApp(Step):
    """Two stamps keep it quick: one of the locked libraries, one of all sources."""

    title = "Web app"

    def __init__(self, log: Path, web: Path = WEB) -> None:
        self._web = web
        self._log = log
        self._libraries_stamp = web / "node_modules" / ".onecall-stamp"
        self._build_stamp = web / "dist" / ".onecall-stamp"

    def check(self) -> None:
        if self.work() is None:
            return
        wanted = ".".join(map(str, _OLDEST_NODE))
        remedy = (
            f"Install Node.js {wanted} or newer with npm (Debian 13: apt-get install nodejs npm; "
            "Debian 12's is too old: take it from nodejs.org), then start again."
        )
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise Unavailable("Node.js with npm is missing; the web app is built with it.", remedy)
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
        version = re.match(r"v(\d+)\.(\d+)", told)
        if version is None or (int(version[1]), int(version[2])) < _OLDEST_NODE:
            raise Unavailable(f"Node.js here is {told or 'unknown'}, too old to build the web app.", remedy)

    def work(self) -> str | None:
        if not self._libraries_are_there():
            return "installing its locked libraries, then building it"
        return None if self._is_built() else "its sources have changed: building it"

    def do(self, say: Callable[[str], None]) -> None:
        if not self._libraries_are_there():
            run_logged(["npm", "ci", "--no-audit", "--no-fund"], self._log, cwd=self._web)
            self._libraries_stamp.write_text(self._hash(_LOCKED))
        if not self._is_built():
            # Of the sources before the build: what changes meanwhile is built next time.
            stamp = self._hash(_SOURCES)
            run_logged(["npm", "run", "build"], self._log, cwd=self._web)
            self._build_stamp.write_text(stamp)

    def state(self) -> str:
        return "built from the sources as they are"

    def _libraries_are_there(self) -> bool:
        return _text(self._libraries_stamp) == self._hash(_LOCKED)

    def _is_built(self) -> bool:
        return _text(self._build_stamp) == self._hash(_SOURCES)

    def _hash(self, names: Iterable[str]) -> str:
        digest = hashlib.sha256()
        for name in names:
            for file in _files(self._web / name):
                digest.update(f"{file.relative_to(self._web)}\0".encode())
                digest.update(file.read_bytes())
        return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from sorted(file for file in path.rglob("*") if file.is_file())


def _text(path: Path) -> str | None:
    return path.read_text().strip() if path.is_file() else None
