"""The agents' phones as Asterisk knows them: one generated file, read again at each change.

A file plus reload was chosen over realtime tables: it works for any database, needs no driver inside Asterisk,
survives a restart of everything, and reloading 1,000 endpoints takes under 0.2 s (docs/telephony.md).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select

from acd.model import Agent
from core.db import Database
from core.errors import Invalid
from onecall.asterisk_config import write_if_changed
from onecall.far_folders import FarFolder
from onecall.nodes import Node

_TEMPLATES = {"browser": "oc-browser", "sip": "oc-desk"}
_EXTENSION = re.compile(r"[0-9]{2,10}")
_SECRET = re.compile(r"[A-Za-z0-9_.~-]{8,64}")
_PATIENCE = 3.0
_UNSAFE = re.compile(r"[^\w .,'()-]")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One phone: digits, secret, `browser` or `sip`, and the name shown to whom it calls."""

    extension: str
    secret: str
    kind: str
    name: str


def write_endpoints(path: Path, endpoints: Iterable[Endpoint]) -> bool:
    """Write the file, whole or not at all; whether it changed. Raises Invalid for a value that could break out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_if_changed(path, "\n".join(_section(endpoint) for endpoint in endpoints))


def folders_of(nodes: Iterable[Node]) -> dict[str, FarFolder]:
    """What `write_further` asks, by the names of the nodes."""
    return {node.name: FarFolder(_PATIENCE) for node in nodes}


async def write_further(
    nodes: Iterable[Node], folders: Mapping[str, FarFolder], endpoints: Sequence[Endpoint]
) -> tuple[bool, dict[str, str]]:
    """Write the file of each further node: whether one changed, and why it could not be written, by node.

    Their folders are on other machines: one that does not answer keeps only itself waiting.
    """
    changed, failed = False, {}
    for node in nodes:
        try:
            changed |= await folders[node.name].ask(partial(write_endpoints, node.agents_file, endpoints))
        except OSError as error:
            failed[node.name] = str(error)
    return changed, failed


async def endpoints_of(database: Database) -> list[Endpoint]:
    """The phones of all agents who are not disabled."""
    async with database.reading() as session:
        rows = await session.scalars(select(Agent).where(Agent.disabled.is_(False)).order_by(Agent.extension))
        return [Endpoint(row.extension, row.phone_secret, row.phone_kind, row.name) for row in rows]


def _section(endpoint: Endpoint) -> str:
    extension = endpoint.extension
    if not _EXTENSION.fullmatch(extension):
        raise Invalid(f"The extension {extension!r} is not 2 to 10 digits.", "Correct the agent's extension.")
    if not _SECRET.fullmatch(endpoint.secret):
        raise Invalid(f"The phone secret of {extension} has characters a SIP phone may not use.", "Make a new one.")
    name = _UNSAFE.sub(" ", endpoint.name).strip()
    return (
        f"[{extension}]({_TEMPLATES.get(endpoint.kind, 'oc-desk')})\nauth = {extension}\naors = {extension}\n"
        f'callerid = "{name}" <{extension}>\n\n'
        f"[{extension}](oc-auth)\nusername = {extension}\npassword = {endpoint.secret}\n\n"
        f"[{extension}](oc-aor)\n"
    )
