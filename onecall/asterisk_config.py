"""Renders ``asterisk-config/`` into the folder of one Asterisk instance.

The templates hold ``{{name}}`` for each value of :class:`AsteriskSettings`. A file is written only when its text
has changed, and completely or not at all, so that a reload never reads half a file.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid
from cti.settings import UNSAFE_IN_PATHS
from onecall.asterisk_program import AsteriskProgram
from onecall.files import write_whole

TEMPLATES = Path(__file__).resolve().parent.parent / "asterisk-config"
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_PEER_ONLY = {"queues.conf", "extensions-peer.conf", "pjsip-peer.conf"}
_NODES_ONLY = {"extensions-nodes.conf", "pjsip-nodes.conf"}
_LOCAL_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# A UNIX socket's path must fit in 108 bytes, the closing zero included.
_LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True)
class NodeTrunk:
    """Another node's Asterisk: where it speaks SIP, and the only address from which it is believed."""

    name: str
    address: str
    sip_port: int


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """Everything in which two Asterisk instances on one machine differ. Ports are on ``address`` unless said."""

    instance: Path
    """Folder of this instance: configuration, database, logs, control socket."""
    recordings: Path
    certificate: Path
    private_key: Path
    manager_secret: str
    sip_port: int
    manager_port: int
    ws_port: int
    """Plain WebSocket for a TLS front on this machine (loopback only)."""
    wss_port: int
    rtp_first: int
    rtp_last: int
    agi_port: int
    address: str = "127.0.0.1"
    """Address at which phones and trunk reach Asterisk; ``0.0.0.0`` for all."""
    media_address: str | None = "127.0.0.1"
    """Address told to phones for their audio; None lets Asterisk choose by route."""
    external_address: str | None = None
    """Public address of the NAT router in front, if any."""
    local_address: str | None = None
    """With `external_address`: the address of this machine that the router forwards to."""
    manager_address: str = "127.0.0.1"
    manager_permitted: tuple[str, ...] = ("127.0.0.0/8",)
    """Networks from which the manager interface may be used."""
    manager_user: str = "onecall"
    agi_address: str = "127.0.0.1"
    trunk_addresses: tuple[str, ...] = ("127.0.1.1",)
    """Addresses or networks from which calls are the trunk's; must not be those of phones."""
    trunk_contact: str = "sip:127.0.1.1:5060"
    """Where outgoing calls go."""
    trunk_rtp_timeout: int = 120
    """Seconds without any audio packet after which a caller counts as gone; 0 for never."""
    name: str = "onecall"
    """Differs from node to node: channel ids begin with it."""
    nodes: tuple[NodeTrunk, ...] = ()
    """The other nodes, through which agents' phones that are registered there are rung."""
    language: str = "it"
    hold_seconds: int = 600
    rest_seconds: int = 60
    mixing_interval: int = 20
    """Milliseconds; 20 or 40 (docs/telephony.md)."""
    realtime: bool = True
    """Asterisk before all ordinary processes, where that is allowed (`onecall.realtime`)."""
    survival_interpreter: str = sys.executable
    peer_queue: bool = False
    """Load Asterisk's own app_queue too: only for comparing benches."""

    @property
    def etc(self) -> Path:
        return self.instance / "etc"

    @property
    def agents_file(self) -> Path:
        """The generated file with the agents' endpoints, included by pjsip.conf."""
        return self.etc / "pjsip-agents.conf"

    @property
    def log_file(self) -> Path:
        return self.instance / "log" / "messages.log"


def render(settings: AsteriskSettings, program: AsteriskProgram) -> list[Path]:
    """Write the instance's folder; returns the configuration files that changed.

    Raises Invalid when a value cannot stand in a configuration file or the folder's path is too long.
    """
    _check(settings)
    for folder in ("etc", "lib/keys", "spool/survival", "run", "log", "agi", "data"):
        (settings.instance / folder).mkdir(parents=True, exist_ok=True)
    settings.etc.chmod(0o700)
    settings.recordings.mkdir(parents=True, exist_ok=True)
    _link_data(settings.instance / "data", program)
    values = _values(settings, program)
    changed = [
        target
        for template in sorted(TEMPLATES.glob("*.conf"))
        if settings.peer_queue or template.name not in _PEER_ONLY
        if settings.nodes or template.name not in _NODES_ONLY
        if write_if_changed(target := settings.etc / template.name, fill(template, values))
    ]
    survival = settings.instance / "agi" / "survival"
    if write_if_changed(survival, _survival_script(settings), mode=0o755):
        changed.append(survival)
    return changed


def fill(template: Path, values: Mapping[str, str]) -> str:
    """The template's text with every ``{{name}}`` replaced; a name without a value raises Invalid."""

    def value(place: re.Match[str]) -> str:
        try:
            return values[place.group(1)]
        except KeyError:
            what = f"{template.name} asks for {{{{{place.group(1)}}}}}, which no setting provides."
            raise Invalid(what, "Correct the name in the template.") from None

    return _PLACE.sub(value, template.read_text(encoding="utf-8"))


def write_if_changed(path: Path, text: str, mode: int = 0o600) -> bool:
    """Replace the file in one step if its text differs; tells whether it did. `mode`: for secrets, owner only."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        return False
    write_whole(path, text.encode(), mode)
    return True


def _check(settings: AsteriskSettings) -> None:
    for field in AsteriskSettings.__dataclass_fields__:
        value = getattr(settings, field)
        texts = map(str, value) if isinstance(value, tuple) else (str(value),)
        if any(character in text for text in texts for character in "\r\n;"):
            what = f"The Asterisk setting {field} holds a line break or a semicolon: {value!r}."
            raise Invalid(what, "Remove it: the value would break out of its configuration line.")
    check_socket_path(settings.instance)
    for field in ("instance", "recordings"):
        path = str(getattr(settings, field))
        if wrong := UNSAFE_IN_PATHS.findall(path):
            told = " ".join(sorted(set(wrong)))
            what = f"The folder {path} has {told} in its name, where Asterisk's dialplan would cut it."
            raise Invalid(what, "Choose another state or recordings folder (ONECALL_STATE, ONECALL_RECORDINGS).")
    if settings.rtp_last - settings.rtp_first < 3:
        what = f"The audio ports {settings.rtp_first} to {settings.rtp_last} are fewer than one call needs."
        raise Invalid(what, "Widen the range: four ports a call.")


def check_socket_path(instance: Path) -> None:
    """Raises Invalid when the instance's folder lies too deep for the control socket inside it."""
    socket = instance / "run" / "asterisk.ctl"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
        what = f"The path of Asterisk's control socket is too long for the system: {socket}."
        raise Invalid(what, "Choose a state folder with a shorter path (setting ONECALL_STATE).")


def _link_data(data: Path, program: AsteriskProgram) -> None:
    """Sounds by plain language names: inside a private tree Debian's own links point outside of it."""
    links = {data / "documentation": program.data / "documentation", data / "moh": program.music}
    for language in ("it", "en"):
        folder = program.sounds(language)
        if folder is not None:
            links[data / "sounds" / language] = folder
    for link, target in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() and link.readlink() == target:
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _values(settings: AsteriskSettings, program: AsteriskProgram) -> dict[str, str]:
    values = {
        field: str(getattr(settings, field))
        for field in AsteriskSettings.__dataclass_fields__
        if isinstance(getattr(settings, field), (str, int, Path))
    }
    values |= {
        "etc": str(settings.etc),
        "modules": str(program.modules),
        "music": str(program.music),
        "max_files": str(_open_files_limit()),
        "survival": str(settings.instance / "agi" / "survival"),
        "manager_permits": "\n".join(f"permit = {network}" for network in settings.manager_permitted),
        "nodes": "\n".join(map(_node_trunk, settings.nodes)),
        "trunk_matches": "\n".join(f"match = {address}" for address in settings.trunk_addresses),
        "media": _media(settings),
        "transport_extra": _transport_extra(settings),
        "rtp_extra": _ice_candidates(settings),
        "extra_modules": "load = app_queue.so" if settings.peer_queue else "",
        "extra_phones": _includes(settings, "pjsip"),
        "extra_dialplan": _includes(settings, "extensions"),
    }
    return values


def _includes(settings: AsteriskSettings, kind: str) -> str:
    parts = [part for part, wanted in (("peer", settings.peer_queue), ("nodes", bool(settings.nodes))) if wanted]
    return "\n".join(f'#include "{settings.etc}/{kind}-{part}.conf"' for part in parts)


def _node_trunk(node: NodeTrunk) -> str:
    name = f"node-{node.name}"
    return (
        f"[{name}](oc-node)\naors = {name}\n"
        f"[{name}]\ntype = aor\ncontact = sip:{node.address}:{node.sip_port}\nqualify_frequency = 5\n"
        f"qualify_timeout = 2\n[{name}]\ntype = identify\nendpoint = {name}\nmatch = {node.address}\n"
    )


def _media(settings: AsteriskSettings) -> str:
    if settings.media_address is None:
        return ""
    return f"media_address = {settings.media_address}\nbind_rtp_to_media_address = yes"


def _transport_extra(settings: AsteriskSettings) -> str:
    """Phones outside of the local networks are told the router's address instead of ours."""
    if settings.external_address is None:
        return ""
    address = settings.external_address
    local = "".join(f"\nlocal_net = {network}" for network in _LOCAL_NETWORKS)
    return f"external_media_address = {address}\nexternal_signaling_address = {address}{local}"


def _ice_candidates(settings: AsteriskSettings) -> str:
    """Browser phones choose among addresses: they are told the router's beside our own."""
    if settings.external_address is None or settings.local_address is None:
        return ""
    mapping = f"{settings.local_address} => {settings.external_address},include_local_address"
    return f"\n[ice_host_candidates]\n{mapping}"


def _open_files_limit() -> int:
    """A call takes about ten; more than the system's hard limit is refused with an error in the log."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 16384 if hard == resource.RLIM_INFINITY else min(16384, hard)


def _survival_script(settings: AsteriskSettings) -> str:
    """Asterisk starts this for each call that no OneCall process answers."""
    script = TEMPLATES / "agi" / "survival.py"
    spool = settings.instance / "spool" / "survival"
    return (
        "#!/bin/sh\n"
        f"ONECALL_SURVIVAL_SPOOL={shlex.quote(str(spool))}\n"
        "export ONECALL_SURVIVAL_SPOOL\n"
        f'exec {shlex.quote(settings.survival_interpreter)} {shlex.quote(str(script))} "$@"\n'
    )
