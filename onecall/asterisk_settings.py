"""From OneCall's settings to those of the Asterisk that it starts."""

from __future__ import annotations

import re
import secrets
import socket
from pathlib import Path

from core.errors import Invalid
from onecall.asterisk_config import AsteriskSettings, NodeTrunk, write_if_changed
from onecall.certificate import certificate_files
from onecall.settings import Settings

EVERYWHERE = "0.0.0.0"
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")


def asterisk_settings(settings: Settings) -> AsteriskSettings:
    """The Asterisk that `settings` describe. Makes the manager secret if there is none yet."""
    certificate, private_key = certificate_files(settings.state)
    everywhere = settings.host == EVERYWHERE
    outside, inside = _router(settings)
    return AsteriskSettings(
        instance=asterisk_home(settings),
        recordings=settings.recordings_folder,
        certificate=certificate,
        private_key=private_key,
        manager_secret=manager_secret(settings),
        manager_address=settings.ami_host,
        manager_port=settings.ami_port,
        manager_user=settings.ami_user,
        address=settings.host,
        media_address=None if everywhere else settings.host,
        external_address=outside,
        local_address=inside,
        sip_port=settings.sip_port,
        ws_port=settings.ws_port,
        wss_port=settings.wss_port,
        rtp_first=settings.rtp_start,
        rtp_last=settings.rtp_end,
        agi_address=settings.agi_host,
        agi_port=settings.agi_port,
        trunk_addresses=tuple(part.strip() for part in settings.trunk_addresses.split(",") if part.strip()),
        trunk_contact=settings.trunk_contact,
        mixing_interval=settings.room_mixing_ms,
        realtime=settings.asterisk_realtime,
        name=settings.node or "onecall",
        nodes=tuple(NodeTrunk(node.name, node.address, node.sip_port) for node in settings.further_nodes),
        manager_permitted=_who_may_manage(settings),
    )


def _who_may_manage(settings: Settings) -> tuple[str, ...]:
    """This machine, and where there are nodes theirs too: the one that routes is among them."""
    nodes = settings.further_nodes
    own = (settings.ami_host,) if nodes and _ADDRESS.fullmatch(settings.ami_host) else ()
    return ("127.0.0.0/8", *own, *(node.address for node in nodes))


def _router(settings: Settings) -> tuple[str | None, str | None]:
    """The address before a NAT router, and ours behind it; None: no router, or ours is not known.

    A name is looked up once, here: browsers and Asterisk's list of candidates want numbers. Raises Invalid for a name
    that leads to none.
    """
    if not settings.external_address:
        return None, None
    try:
        outside = socket.gethostbyname(settings.external_address)
    except OSError as error:
        what = f"ONECALL_EXTERNAL_ADDRESS={settings.external_address} leads to no address: {error.strerror}."
        raise Invalid(what, "Give the router's public IPv4 address, or a name that has one.") from None
    if settings.host != EVERYWHERE:
        return outside, settings.host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: only asks the system from which of our addresses it would.
            probe.connect((outside, 9))
        except OSError:
            return outside, None
        return outside, str(probe.getsockname()[0])


def asterisk_home(settings: Settings) -> Path:
    """Folder of the Asterisk instance: ours, or with an external Asterisk the one shared with it."""
    return (settings.asterisk_home or settings.state / "asterisk" / "instance").resolve()


def manager_secret(settings: Settings) -> str:
    """The manager secret in force: the setting, else one made once and kept in the state folder."""
    given = settings.ami_secret.get_secret_value()
    if given:
        return given
    kept = settings.state / "asterisk" / "manager.secret"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_if_changed(kept, secrets.token_urlsafe(24))
    return kept.read_text(encoding="utf-8").strip()
