"""The container files, checked as far as that goes without a container engine."""

import configparser
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from onecall.cli import _parser
from onecall.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = cast(dict[str, Any], yaml.safe_load((ROOT / "docker-compose.yml").read_text()))
SERVICES: dict[str, Any] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")
# Made by the build, not kept in the repository.
MADE_BY_STAGES = {"/build/dist"}


def dockerfile(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Instructions of the service's Dockerfile, continuation lines joined."""
    path = ROOT / service["build"]["context"] / service["build"]["dockerfile"]
    text = re.sub(r"\\\n", " ", path.read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [cast(tuple[str, str], tuple(line.split(None, 1))) for line in lines]


def stages(service: dict[str, Any]) -> list[str]:
    return [value.split()[-1] for word, value in dockerfile(service) if word == "FROM" and " AS " in value]


def example_environment() -> dict[str, str]:
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value or "a-secret" for name, value in given.items()}


def filled(text: str) -> str:
    return VARIABLE.sub(lambda found: example_environment()[found.group(1)], text)


def test_every_part_of_the_production_shape_is_there() -> None:
    assert set(SERVICES) == {"front", "api", "acd", "migrate", "asterisk", "postgres", "redis", "mosquitto"}


@pytest.mark.parametrize("name", BUILT)
def test_every_image_that_is_built_has_its_stage(name: str) -> None:
    assert BUILT[name]["build"]["target"] in stages(BUILT[name])


def test_everything_that_is_copied_into_an_image_exists() -> None:
    for word, value in dockerfile(BUILT["api"]):
        if word != "COPY":
            continue
        *sources, _ = [part for part in shlex.split(value) if not part.startswith("--")]
        origin = re.search(r"--from=(\S+)", value)
        if origin:
            assert origin.group(1) in stages(BUILT["api"])
            assert set(sources) <= MADE_BY_STAGES
        else:
            assert [source for source in sources if not (ROOT / source).exists()] == []


def test_every_package_that_is_imported_is_copied_into_the_image() -> None:
    copied = {value.split()[0] for word, value in dockerfile(BUILT["api"]) if word == "COPY"}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - copied == {"bench"}


def test_every_command_in_image_and_compose_is_one_that_onecall_has() -> None:
    parser = _parser()
    given = [shlex.split(value)[0] for word, value in dockerfile(BUILT["api"]) if word == "CMD"]
    commands = [re.findall(r"[\w-]+", value) for value in given] + [service["command"] for service in BUILT.values()]
    commands += [
        shlex.split(found)
        for word, value in dockerfile(BUILT["api"])
        if word == "RUN"
        for found in re.findall(r"python -m onecall ([\w ]+?)\s*(?:&&|$)", value)
    ]
    assert ["provision", "asterisk"] in commands
    for command in commands:
        parser.parse_args(command)


@pytest.mark.parametrize("name", BUILT)
def test_every_setting_that_is_passed_is_known_and_valid(name: str) -> None:
    environment = {key: filled(str(value)) for key, value in BUILT[name]["environment"].items()}
    ours = {
        key.removeprefix("ONECALL_").lower(): value for key, value in environment.items() if key.startswith("ONECALL_")
    }
    assert set(ours) <= set(Settings.model_fields)
    Settings.model_validate(ours)


def test_the_outward_feed_is_set_up_in_the_one_process_that_feeds() -> None:
    assert [name for name in BUILT if "ONECALL_MQTT_URL" in BUILT[name]["environment"]] == ["acd"]


def test_the_first_administrator_is_made_by_a_command_that_onecall_has() -> None:
    (told,) = re.findall(r"docker compose run --rm (\w+) (.+?) \(", (ROOT / "docker-compose.yml").read_text())
    assert "ONECALL_DATABASE_URL" in BUILT[told[0]]["environment"]
    assert _parser().parse_args(shlex.split(told[1])).login


def test_settings_of_the_images_are_known() -> None:
    given = [part.split("=")[0] for word, value in dockerfile(BUILT["api"]) if word == "ENV" for part in value.split()]
    assert {name.removeprefix("ONECALL_").lower() for name in given} <= set(Settings.model_fields)


def test_every_variable_is_explained_in_the_example_and_every_one_there_is_used() -> None:
    used = set(VARIABLE.findall((ROOT / "docker-compose.yml").read_text()))
    assert used == set(example_environment())


def test_every_file_and_volume_that_is_mounted_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]


def test_services_wait_only_for_services_that_are_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)


def test_only_the_front_the_phones_and_the_broker_are_reached_from_outside() -> None:
    open_ports = {
        name: port
        for name, service in SERVICES.items()
        for port in service.get("ports", ())
        if not str(port).startswith("127.0.0.1:")
    }
    assert open_ports == {"mosquitto": "1883:1883"}


def test_no_two_containers_open_the_same_port_of_the_machine() -> None:
    published = [str(port).rsplit(":", 2)[-2] for service in SERVICES.values() for port in service.get("ports", ())]
    of_the_machine = [
        str(Settings.model_fields[field].default) for field in ("ws_port", "wss_port", "ami_port", "agi_port")
    ]
    every = published + of_the_machine
    assert len(every) == len(set(every))


def test_the_front_sends_phones_to_asterisk_and_pages_to_the_api() -> None:
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    assert f"127.0.0.1:{Settings.model_fields['ws_port'].default}" in caddyfile
    assert "127.0.0.1:8080" in caddyfile
    assert SERVICES["api"]["ports"] == ["127.0.0.1:8080:8080"]


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").glob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_are_sound(script: Path) -> None:
    assert subprocess.run(["sh", "-n", str(script)], capture_output=True, check=False).stderr == b""


def test_the_service_unit_starts_a_command_that_onecall_has_and_spares_asterisk_when_killed() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "deploy" / "onecall.service")
    _parser().parse_args(unit["Service"]["ExecStart"].split("-m onecall ")[1].split())
    assert unit["Service"]["KillMode"] == "process"
