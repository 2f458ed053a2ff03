"""From OneCall's settings to those of the Asterisk that it starts."""

from __future__ import annotations

import secrets
from pathlib import Path

from onecall.asterisk_config import AsteriskSettings, write_if_changed
from onecall.certificate import certificate_files
from onecall.settings import Settings

EVERYWHERE = ("0.0.0.0", "::")


def asterisk_settings(settings: Settings) -> AsteriskSettings:
    """The Asterisk that `settings` describe. Makes the manager secret if there is none yet."""
    certificate, private_key = certificate_files(settings.state)
    everywhere = settings.host in EVERYWHERE
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
    )


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
