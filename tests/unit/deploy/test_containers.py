"""The container files, checked as far as that goes without a container engine."""

import ast
import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from onecall.cli import _parser
from onecall.realtime import PRIORITY
from onecall.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = cast(dict[str, Any], yaml.safe_load((ROOT / "docker-compose.yml").read_text()))
SERVICES: dict[str, Any] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")
MAY_BE_EMPTY = {"ONECALL_EXTERNAL_ADDRESS"}
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
    return {name: value if value or name in MAY_BE_EMPTY else "a-secret" for name, value in given.items()}


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


def test_asterisk_may_run_first_though_its_user_is_not_root() -> None:
    assert ("USER", "onecall") in dockerfile(SERVICES["asterisk"])
    assert SERVICES["asterisk"]["ulimits"]["rtprio"] >= PRIORITY
    unit = (ROOT / "deploy" / "onecall.service").read_text()
    assert f"LimitRTPRIO={PRIORITY}\n" in unit


def test_the_service_unit_sets_nothing_but_known_settings_and_seeds_no_demo_accounts() -> None:
    (line,) = re.findall(r"^Environment=(.*)$", (ROOT / "deploy" / "onecall.service").read_text(), re.MULTILINE)
    given = {key.removeprefix("ONECALL_").lower(): value for key, value in (part.split("=") for part in line.split())}
    assert set(given) <= set(Settings.model_fields)
    assert Settings.model_validate(given).demo is False


def test_the_page_on_deployment_tells_the_user_state_folder_and_commands_of_the_unit() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    unit = (ROOT / "deploy" / "onecall.service").read_text()
    (user,), (state,) = re.findall(r"^User=(\w+)$", unit, re.MULTILINE), re.findall(r"ONECALL_STATE=(\S+)", unit)
    assert re.search(rf"useradd .*{user}$", page, re.MULTILINE)
    assert state in page
    commands = re.findall(r"-m onecall ([a-z]+(?: [a-z-]+)?)", page)
    assert {"provision run", "administrator ada"} <= set(commands)
    for command in commands:
        _parser().parse_args(command.split())


def test_the_routing_process_tells_its_health_on_the_port_that_it_opens() -> None:
    port = Settings.model_fields["metrics_port"].default
    assert f"127.0.0.1:{port}/health" in " ".join(SERVICES["acd"]["healthcheck"]["test"])
    assert all("ONECALL_METRICS_TOKEN" in BUILT[name]["environment"] for name in ("api", "acd"))


# Import name → package, where they differ; what only comes along with a package is named by that one.
LISTENING = {"phones/audio.py: numpy"}
"""Imported inside the functions by which tests and benches listen; no process of the product calls those."""
PACKAGE_OF = {"argon2": "argon2-cffi", "yaml": "pyyaml", "asterisk": "pyst2"}


def test_every_library_that_the_images_import_is_locked_for_them() -> None:
    locked = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==", (ROOT / "requirements" / "run.txt").read_text(), re.M)
    known = {re.sub(r"[-_.]+", "-", name).lower() for name in locked}
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    copied = ours - {"bench"} | {"asterisk-config"}
    missing = set()
    for file in (file for room in copied for file in (ROOT / room).rglob("*.py")):
        for name in imported(ast.parse(file.read_text())) - set(sys.stdlib_module_names) - ours:
            if re.sub(r"[-_.]+", "-", PACKAGE_OF.get(name, name)).lower() not in known:
                missing.add(f"{file.relative_to(ROOT)}: {name}")
    assert missing == LISTENING


def imported(tree: ast.Module) -> set[str]:
    """First parts of the modules that a file imports, at its head or inside."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found
