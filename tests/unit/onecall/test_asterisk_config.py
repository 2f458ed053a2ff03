"""Rendering of Asterisk's configuration: complete, safe, and only what changed."""

import asyncio
import dataclasses
import re
from pathlib import Path

import pytest

from core.errors import Invalid, Unavailable
from core.journal import Fact
from cti.bridge import Bridge
from cti.settings import BridgeSettings, ManagerSettings
from onecall.asterisk import AsteriskInstance
from onecall.asterisk_config import TEMPLATES, AsteriskSettings, NodeTrunk, fill, render, write_if_changed
from onecall.asterisk_program import AsteriskProgram, find_in_tree, find_on_path
from onecall.asterisk_settings import asterisk_settings
from onecall.endpoints import Endpoint, folders_of, write_further
from onecall.nodes import Node
from onecall.settings import Settings

_REPEATABLE = {"load", "noload", "permit", "deny", "match", "local_net", "contact", "exten", "same", "include"}


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
    nodes = (NodeTrunk("milan", "10.0.2.5", 5060),)
    render(dataclasses.replace(settings, peer_queue=True, nodes=nodes), program)
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


@pytest.mark.parametrize("name", ["mario rossi", "a+b@c", "niccolò's", "oggi_è.già"])
def test_a_folders_name_may_hold_what_asterisk_can_bear(
    settings: AsteriskSettings, program: AsteriskProgram, tmp_path: Path, name: str
) -> None:
    render(dataclasses.replace(settings, instance=tmp_path / name, recordings=tmp_path / name / "r"), program)


@pytest.mark.parametrize("field", ["instance", "recordings"])
@pytest.mark.parametrize("letter", list(',&|$(){}[]"\\'))
def test_a_folder_whose_name_the_dialplan_would_cut_is_refused_with_the_remedy(
    settings: AsteriskSettings, program: AsteriskProgram, tmp_path: Path, field: str, letter: str
) -> None:
    with pytest.raises(Invalid, match="ONECALL_STATE") as refused:
        render(dataclasses.replace(settings, **{field: tmp_path / f"a{letter}b"}), program)
    assert f"has {letter} in its name" in refused.value.what


def test_the_survival_scripts_folder_is_there_before_any_process_of_ours(
    settings: AsteriskSettings, program: AsteriskProgram
) -> None:
    render(settings, program)
    assert (settings.instance / "spool" / "survival").is_dir()


def test_the_survival_script_can_be_run_again_after_its_mode_was_lost(
    settings: AsteriskSettings, program: AsteriskProgram
) -> None:
    render(settings, program)
    script = settings.instance / "agi" / "survival"
    script.chmod(0o600)
    assert render(settings, program) == []
    assert script.stat().st_mode & 0o777 == 0o755


def test_a_secret_is_never_readable_by_others_not_even_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    replace = Path.replace

    def watched(partial: Path, target: Path) -> Path:
        modes.append(partial.stat().st_mode & 0o777)
        return replace(partial, target)

    def chmod(*_: object) -> None:
        raise AssertionError("it had another mode before")

    monkeypatch.setattr(Path, "replace", watched)
    monkeypatch.setattr(Path, "chmod", chmod)
    (tmp_path / "secret.partial").write_text("left by a crash, readable by all")
    assert write_if_changed(tmp_path / "secret", "x")
    assert modes == [0o600]


def test_asterisk_tells_the_bridge_what_it_reads_and_nothing_else() -> None:
    template = (TEMPLATES / "manager.conf").read_text()
    told = set(re.findall(r"^eventfilter\(action\(include\),name\((\w+)\)\)", template, re.M))
    never_made = re.findall(r"^disabledevents = (.+)$", template, re.M)[0].split(",")
    interpreter = Bridge(BridgeSettings(ManagerSettings("", 0, "", ""), Path()), NoFacts())._switch.interpreter
    assert told == {*interpreter._kinds, "FullyBooted"}
    assert told.isdisjoint(never_made)


class NoFacts:
    def append(self, fact: Fact) -> None:
        """Nothing happens here."""


async def test_an_asterisk_that_is_not_the_one_at_its_port_is_not_left_running(
    settings: AsteriskSettings, program: AsteriskProgram, tmp_path: Path
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9\r\nResponse: Error\r\nMessage: Authentication failed\r\n\r\n")
        await writer.drain()
        writer.close()

    binary = tmp_path / "asterisk"
    binary.write_text("#!/bin/sh\nexec sleep 600\n")
    binary.chmod(0o755)
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    instance = AsteriskInstance(
        dataclasses.replace(settings, manager_port=port), dataclasses.replace(program, command=(str(binary),))
    )
    with pytest.raises(Unavailable, match="another Asterisk owns it"):
        await instance.start()
    assert not instance.alive()
    server.close()


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
    assert not [line for line in lines if _leads_out(line)]


def test_another_node_can_have_digits_dialled_that_are_an_agents_phone_and_nothing_else() -> None:
    lines = [line.split(";")[0].strip() for line in (TEMPLATES / "extensions-nodes.conf").read_text().splitlines()]
    assert [line for line in lines if _leads_out(line)] == ["same => n,Dial(PJSIP/${EXTEN},120,b(oc-guest^s^1))"]
    before = lines[lines.index("[oc-node]") : lines.index("same => n,Dial(PJSIP/${EXTEN},120,b(oc-guest^s^1))")]
    assert sum("?nobody)" in line for line in before) == 3


def test_what_one_node_alone_does_not_need_is_not_there(settings: AsteriskSettings, program: AsteriskProgram) -> None:
    render(settings, program)
    assert not list(settings.etc.glob("*-nodes.conf"))
    assert "-nodes.conf" not in (settings.etc / "pjsip.conf").read_text()
    render(dataclasses.replace(settings, nodes=(NodeTrunk("milan", "10.0.2.5", 5062),)), program)
    told = (settings.etc / "pjsip-nodes.conf").read_text()
    assert "[node-milan](oc-node)" in told
    assert ("contact = sip:10.0.2.5:5062" in told, "match = 10.0.2.5\n" in told) == (True, True)
    for kind in ("pjsip", "extensions"):
        assert f'#include "{settings.etc}/{kind}-nodes.conf"' in (settings.etc / f"{kind}.conf").read_text()


def _leads_out(line: str) -> bool:
    return any(word in line for word in ("Dial(", "include =>", "Originate("))


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


def test_an_old_asterisk_before_a_new_one_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, version in (("old", "16.28.0"), ("new", "22.1.0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "asterisk").write_text(f"#!/bin/sh\necho 'Asterisk {version}'\n")
        (tmp_path / folder / "asterisk").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:{tmp_path / 'new'}")
    monkeypatch.setattr("onecall.asterisk_program._first_folder", lambda *_: tmp_path)
    found = find_on_path()
    assert found is not None
    assert found.command == (str(tmp_path / "new" / "asterisk"),)


def test_path_comes_before_the_systems_own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("first", "system"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "asterisk").write_text("#!/bin/sh\necho 'Asterisk 22.1.0'\n")
        (tmp_path / folder / "asterisk").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "first"))
    monkeypatch.setattr("onecall.asterisk_program._SYSTEM_FOLDERS", (str(tmp_path / "system"),), raising=False)
    monkeypatch.setattr("onecall.asterisk_program._first_folder", lambda *_: tmp_path)
    found = find_on_path()
    assert found is not None
    assert found.command == (str(tmp_path / "first" / "asterisk"),)


def test_without_a_router_no_address_of_one_is_told(settings: AsteriskSettings, program: AsteriskProgram) -> None:
    render(settings, program)
    assert "external" not in (settings.etc / "pjsip.conf").read_text()
    assert "ice_host_candidates" not in (settings.etc / "rtp.conf").read_text()


def test_behind_a_router_its_address_is_told_to_trunk_phones_and_browsers(
    settings: AsteriskSettings, program: AsteriskProgram
) -> None:
    render(dataclasses.replace(settings, external_address="203.0.113.1", local_address="10.0.0.5"), program)
    phones, sound = (settings.etc / "pjsip.conf").read_text(), (settings.etc / "rtp.conf").read_text()
    assert "external_media_address = 203.0.113.1\nexternal_signaling_address = 203.0.113.1\n" in phones
    assert "local_net = 127.0.0.0/8\nlocal_net = 10.0.0.0/8\n" in phones
    assert "[ice_host_candidates]\n10.0.0.5 => 203.0.113.1,include_local_address\n" in sound


def test_the_setting_of_the_routers_address_reaches_asterisk(tmp_path: Path) -> None:
    made = asterisk_settings(Settings(state=tmp_path, host="10.0.0.5", external_address="203.0.113.1"))
    assert (made.external_address, made.local_address) == ("203.0.113.1", "10.0.0.5")
    everywhere = asterisk_settings(Settings(state=tmp_path, host="0.0.0.0", external_address="127.0.0.1"))
    assert everywhere.local_address == "127.0.0.1"


def test_a_router_whose_name_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"ONECALL_EXTERNAL_ADDRESS=router\.invalid leads to no address"):
        asterisk_settings(Settings(state=tmp_path, external_address="router.invalid"))


def test_no_option_stands_twice_in_a_section() -> None:
    twice = []
    for template in TEMPLATES.glob("*.conf"):
        seen: set[str] = set()
        for line in template.read_text().splitlines():
            name, sign, _ = line.partition(";")[0].partition("=")
            if line.startswith("["):
                seen = set()
            elif sign and not _.startswith(">") and name.strip() not in _REPEATABLE:
                twice += [f"{template.name}: {name.strip()}"] if name.strip() in seen else []
                seen.add(name.strip())
    assert twice == []


def test_a_tree_without_asterisk_in_it_is_none(tmp_path: Path) -> None:
    assert find_in_tree(tmp_path) is None


def test_a_nodes_asterisk_knows_the_others_and_lets_their_machines_manage_it(tmp_path: Path) -> None:
    nodes = '[{"name": "milan", "address": "10.0.2.5", "sip_port": 5062}]'
    made = asterisk_settings(Settings(state=tmp_path, node="rome", ami_host="10.0.1.5", nodes=nodes))
    assert made.name == "rome"
    assert made.nodes == (NodeTrunk("milan", "10.0.2.5", 5062),)
    assert made.manager_permitted == ("127.0.0.0/8", "10.0.1.5", "10.0.2.5")
    alone = asterisk_settings(Settings(state=tmp_path))
    assert (alone.name, alone.nodes, alone.manager_permitted) == ("onecall", (), ("127.0.0.0/8",))


async def test_the_phones_of_a_node_whose_folder_is_away_are_told_unwritten_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "away").write_text("a file where a folder should be")
    nodes = [Node(name, "10.0.0.1", home=str(tmp_path / name)) for name in ("away", "there")]
    endpoints = [Endpoint("2001", "secret-of-2001", "sip", "Giulia")]
    changed, failed = await write_further(nodes, folders_of(nodes), endpoints)
    assert (changed, list(failed)) == (True, ["away"])
    assert "[2001](oc-desk)" in nodes[1].agents_file.read_text()
    assert await write_further(nodes[1:], folders_of(nodes), endpoints) == (False, {})
