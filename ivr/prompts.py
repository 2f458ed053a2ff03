"""What is said to callers: recorded files first, else synthesised ahead of time and kept by the hash of the text."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import yaml

from core.errors import OneCallError
from core.log import get_logger
from core.metrics import Counter
from ivr import speech
from ivr.flow import LANGUAGES, Flow, Language

_log = get_logger(__name__)
_late = Counter("onecall_ivr_prompts_made_late_total", "Prompts synthesised while a caller waited for them")
_LAST_RESORT = "beep"
"""A sound of Asterisk's own: better than silence when a prompt cannot be made."""
_VOICE_VERSION = "1"
"""Part of the hash: raise it when the same text shall sound different."""

Synthesise = Callable[[str, str, Path], None]


@dataclass(frozen=True, slots=True)
class Counted:
    """A sentence with a number `{n}` from 0 to `upto`; `one` holds what is said for 1, where that differs."""

    upto: int
    texts: Mapping[str, str]
    one: Mapping[str, str]

    def text(self, n: int, language: Language) -> str:
        """What is said for `n`."""
        return self.one[language] if n == 1 and self.one else self.texts[language].format(n=n)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that every flow can use, by name."""

    plain: Mapping[str, Mapping[str, str]]
    counted: Mapping[str, Counted]

    @classmethod
    def read(cls, path: Path) -> "Texts":
        """From the YAML file of system texts."""
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        counted = {
            name: Counted(entry["upto"], {language: entry[language] for language in LANGUAGES}, entry.get("one", {}))
            for name, entry in data["counted"].items()
        }
        return cls(data["texts"], counted)


SYSTEM_TEXTS = Path(__file__).parent / "texts" / "system.yaml"


@cache
def _system_names() -> frozenset[str]:
    return frozenset(Texts.read(SYSTEM_TEXTS).plain)


def prompt_names(recorded: Path | None) -> frozenset[str]:
    """What can be said outside of a flow: the system's texts, and the recordings in this folder (see `PromptStore`)."""
    folders = [] if recorded is None else [recorded / language for language in LANGUAGES]
    return _system_names() | {file.stem for folder in folders for file in folder.glob("*.wav")}


class PromptStore:
    """Finds the sound file of a prompt; makes it when it is not there yet.

    `made` holds what is synthesised or converted (it may be deleted at any time), `recorded` what people recorded:
    `<language>/<prompt>.wav`, or `<flow>/<language>/<prompt>.wav` for one flow alone; a counted sentence is
    `<prompt>-<n>.wav`. `seen_as` is how Asterisk calls the folder `made`, where it differs.
    """

    def __init__(
        self,
        made: Path,
        recorded: Path,
        texts: Texts,
        *,
        seen_as: str | None = None,
        synthesise: Synthesise = speech.synthesise,
    ) -> None:
        self.texts = texts
        self._made = made
        self._recorded = recorded
        self._seen_as = seen_as or str(made)
        self._synthesise = synthesise
        self._making: dict[Path, asyncio.Task[None]] = {}
        self._warming: set[asyncio.Task[None]] = set()

    async def files(self, names: str | Iterable[str], language: Language, flow: Flow | None = None) -> list[str]:
        """The files of these prompts, as Asterisk calls them (without ending)."""
        listed = [names] if isinstance(names, str) else names
        return [await self._file(name, self._text(name, language, flow), language, flow) for name in listed]

    async def counted(self, name: str, n: int, language: Language) -> str:
        """The file of a sentence with the number `n`; a number beyond its range is synthesised on the spot."""
        text = self.texts.counted[name].text(n, language)
        return await self._file(f"{name}-{n}", text, language, None)

    def warm(self, flow: Flow | None = None) -> asyncio.Task[None]:
        """Make the prompts of a flow, or the system's, in the background, one at a time."""
        task = asyncio.get_running_loop().create_task(self._warm(list(self._wanted(flow)), flow))
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)
        return task

    async def export(self, names: Mapping[str, str], folder: Path) -> None:
        """Put system prompts (prompt → file) where others find them: `<folder>/<language>/<file>.wav`."""
        for language in LANGUAGES:
            for name, file in names.items():
                made = await self._find(name, self._text(name, language, None), language, None, late=False)
                if made is not None:
                    await asyncio.to_thread(_copy_whole, made, folder / language / f"{file}.wav")

    async def close(self) -> None:
        """Stop making prompts."""
        tasks = [*self._warming, *self._making.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wanted(self, flow: Flow | None) -> Iterable[tuple[str, str, Language]]:
        if flow is not None:
            for name, texts in flow.prompts.items():
                yield from ((name, text, language) for language, text in texts.items())
            return
        for name, by_language in self.texts.plain.items():
            yield from ((name, by_language[language], language) for language in LANGUAGES)
        for name, counted in self.texts.counted.items():
            for n in range(counted.upto + 1):
                yield from ((f"{name}-{n}", counted.text(n, lang), lang) for lang in LANGUAGES)

    async def _warm(self, wanted: list[tuple[str, str, Language]], flow: Flow | None) -> None:
        for name, text, language in wanted:
            await self._find(name, text, language, flow, late=False)

    def _text(self, name: str, language: Language, flow: Flow | None) -> str:
        texts: Mapping[str, str] = flow.prompts.get(name, {}) if flow is not None else {}  # type: ignore[assignment]
        texts = texts or self.texts.plain.get(name, {})
        return texts.get(language) or next(iter(texts.values()), "")

    async def _file(self, name: str, text: str, language: Language, flow: Flow | None) -> str:
        made = await self._find(name, text, language, flow)
        if made is None:
            _log.error("prompt has no sound", prompt=name, language=language, flow=flow.flow if flow else None)
            return _LAST_RESORT
        return f"{self._seen_as}/{made.relative_to(self._made).with_suffix('')}"

    async def _find(
        self, name: str, text: str, language: Language, flow: Flow | None, late: bool = True
    ) -> Path | None:
        for source in self._recordings(name, language, flow):
            target = self._made / language / f"r-{_stamp(source)}.wav"
            if await self._ensure(target, partial(speech.convert, source, target), late):
                return target
        target = self._made / language / f"s-{_digest(text, language)}.wav"
        if text and await self._ensure(target, partial(self._synthesise, text, language, target), late):
            return target
        return None

    def _recordings(self, name: str, language: Language, flow: Flow | None) -> Iterable[Path]:
        folders = [self._recorded / flow.flow] if flow is not None else []
        for folder in [*folders, self._recorded]:
            path = folder / language / f"{name}.wav"
            if path.is_file():
                yield path

    async def _ensure(self, target: Path, make: Callable[[], None], late: bool) -> bool:
        """Whether `target` is there, after making it if need be. Callers who want the same share one making."""
        if _there(target):
            return True
        if late:
            _late.inc()
        task = self._making.get(target)
        if task is None:
            task = asyncio.get_running_loop().create_task(asyncio.to_thread(make))
            self._making[target] = task
            task.add_done_callback(lambda _: self._making.pop(target, None))
        try:
            await asyncio.shield(task)
        except OneCallError as error:
            _log.error("prompt could not be made", file=target.name, why=error.what, remedy=error.remedy)
            return False
        return True


def _copy_whole(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.partial")
    shutil.copyfile(source, aside)
    aside.rename(target)


def _there(target: Path) -> bool:
    return target.is_file()


def _digest(text: str, language: str) -> str:
    return hashlib.sha256(f"{_VOICE_VERSION}\n{language}\n{text}".encode()).hexdigest()[:24]


def _stamp(source: Path) -> str:
    told = source.stat()
    return hashlib.sha256(f"{source}\n{told.st_mtime_ns}\n{told.st_size}".encode()).hexdigest()[:24]
