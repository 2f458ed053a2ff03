"""Rendering of Asterisk's configuration: complete, safe, and only what changed."""

import dataclasses
from pathlib import Path

import pytest

from core.errors import Invalid
from onecall.asterisk_config import TEMPLATES, AsteriskSettings, fill, render
from onecall.asterisk_program import AsteriskProgram, find_in_tree, find_on_path


@pytest.fixture
def program(tmp_path: Path) -> AsteriskProgram:
    data = tmp_path / "installed"
    for folder in ("documentation", "moh", "sounds/it_IT_m_Carlo", "sounds/en_US_f_Allison"):
        (data / folder).mkdir(parents=True)
    (data / "sounds" / "en").symlink_to("/etc/alternatives/absent")
    return AsteriskProgram(("asterisk",), "22.10", tmp_path / "modules", data)


@pytest.fixture
def settings(tmp_path: Path) -> AsteriskSettings:
    return AsteriskSettings(
        instance=tmp_path / "instance",
        recordings=tmp_path / "recordings",
        certificate=tmp_path / "certificate.pem",
        private_key=tmp_path / "key.pem",
        manager_secret="a-secret",
        sip_port=15060,
        manager_port=15038,
        ws_port=18088,
        wss_port=18089,
        rtp_first=20000,
        rtp_last=20999,
        agi_port=14573,
        trunk_addresses=("203.0.113.7", "203.0.113.8"),
    )


def test_every_place_in_every_template_is_filled(settings: AsteriskSettings, program: AsteriskProgram) -> None:
    render(dataclasses.replace(settings, peer_queue=True), program)
    written = {path.name: path.read_text() for path in settings.etc.iterdir()}
    assert set(written) == {template.name for template in TEMPLATES.glob("*.conf")}
    assert not [name for name, text in written.items() if "{{" in text]
    assert "match = 203.0.113.7\nmatch = 203.0.113.8\n" in written["pjsip.conf"]


def test_a_template_that_asks_for_an_unknown_value_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken.conf").write_text("port = {{no_such_port}}")
    with pytest.raises(Invalid, match=r"broken\.conf asks for \{\{no_such_port\}\}"):
        fill(tmp_path / "broken.conf", {})


def test_only_files_whose_text_changes_are_written_again(settings: AsteriskSettings, program: AsteriskProgram) -> None:
    assert len(render(settings, program)) > 15
    assert render(settings, program) == []
    changed = render(dataclasses.replace(settings, agi_port=14574), program)
    assert [path.name for path in changed] == ["extensions.conf"]


def test_files_with_secrets_are_readable_by_their_owner_only(
    settings: AsteriskSettings, program: AsteriskProgram
) -> None:
    render(settings, program)
    assert (settings.etc / "manager.conf").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["x\nsecret = y", "x\r", "x;y"])
def test_a_value_that_would_break_out_of_its_line_is_refused(
    settings: AsteriskSettings, program: AsteriskProgram, value: str
) -> None:
    with pytest.raises(Invalid, match="manager_secret"):
        render(dataclasses.replace(settings, manager_secret=value), program)


def test_a_state_folder_too_deep_for_the_control_socket_is_refused_with_the_remedy(
    settings: AsteriskSettings, program: AsteriskProgram, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match="ONECALL_STATE"):
        render(dataclasses.replace(settings, instance=tmp_path / ("d" * 100)), program)


def test_too_few_audio_ports_are_refused(settings: AsteriskSettings, program: AsteriskProgram) -> None:
    with pytest.raises(Invalid, match="20000 to 20001"):
        render(dataclasses.replace(settings, rtp_last=20001), program)


def test_sounds_are_found_by_language_though_the_packages_links_lead_nowhere(
    settings: AsteriskSettings, program: AsteriskProgram
) -> None:
    render(settings, program)
    sounds = settings.instance / "data" / "sounds"
    assert (sounds / "it").resolve().name == "it_IT_m_Carlo"
    assert (sounds / "en").resolve().name == "en_US_f_Allison"


def test_the_queue_of_asterisk_itself_is_there_for_benches_only(
    settings: AsteriskSettings, program: AsteriskProgram
) -> None:
    render(settings, program)
    assert "app_queue" not in (settings.etc / "modules.conf").read_text()
    assert not (settings.etc / "queues.conf").exists()
    render(dataclasses.replace(settings, peer_queue=True), program)
    assert "load = app_queue.so" in (settings.etc / "modules.conf").read_text()


def test_no_dialplan_context_leads_to_an_outside_line() -> None:
    lines = [line.split(";")[0] for line in (TEMPLATES / "extensions.conf").read_text().splitlines()]
    assert not [line for line in lines if "Dial(" in line or "include =>" in line or "Originate(" in line]


@pytest.mark.parametrize(("told", "found"), [("Asterisk 22.10.1", True), ("Asterisk 16.28.0", False), ("", False)])
def test_an_asterisk_on_path_counts_only_from_version_20(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, found: bool
) -> None:
    binary = tmp_path / "asterisk"
    binary.write_text(f"#!/bin/sh\necho '{told}'\n")
    binary.chmod(0o755)
    monkeypatch.setattr("onecall.asterisk_program.shutil.which", lambda *_, **__: str(binary))
    monkeypatch.setattr("onecall.asterisk_program._first_folder", lambda *_: tmp_path)
    assert (find_on_path() is not None) is found


def test_a_tree_without_asterisk_in_it_is_none(tmp_path: Path) -> None:
    assert find_in_tree(tmp_path) is None
