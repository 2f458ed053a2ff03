"""Set-up: what is there is left alone, what is missing is made whole or not at all, what cannot be done is said."""

import datetime
import errno
import json
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.errors import Invalid, Unavailable
from onecall.asterisk_program import find_in_tree
from onecall.certificate import certificate_problem, make_certificate
from onecall.provision import DiskSpace, provision
from onecall.provision_packages import SystemPackages, packages_for
from onecall.provision_ports import PortsFree
from onecall.provision_step import Step
from onecall.provision_tree import AsteriskTree
from onecall.provision_web import WebApp
from onecall.settings import Settings
from tests.ports import free_ports


class Machine:
    """A PATH of our own making: the programs that scripts below stand for, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        for program in ("sh", "env", "mkdir", "chmod", "touch", "grep", "rm"):
            (folder / program).symlink_to(str(shutil.which(program)))

    def has(self, name: str, script: str = "") -> None:
        program = self.folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{script}\n')
        program.chmod(0o755)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    (tmp_path / "bin").mkdir()
    made = Machine(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(made.folder))
    monkeypatch.setattr("onecall.provision_packages._PLACES", ())
    monkeypatch.setattr("onecall.provision_packages._POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr("onecall.asterisk_program.find_on_path", lambda: None)
    return made


def carry_out(step: Step) -> list[str]:
    said: list[str] = []
    step.check()
    if step.work() is not None:
        step.do(said.append)
    return said


# -- packages --


def packages(tmp_path: Path, purpose: str = "run") -> SystemPackages:
    return SystemPackages(purpose, tmp_path / "tree", tmp_path / "log")


def installs(machine: Machine, *programs: str) -> str:
    """An apt-get that puts these programs in place."""
    places = " ".join(str(machine.folder / program) for program in programs)
    return f"case $1 in install) touch {places}; chmod +x {places};; esac"


def test_packages_that_are_there_are_not_asked_for(machine: Machine, tmp_path: Path) -> None:
    for program in ("espeak-ng", "sox", "mmdebstrap", "apt-get"):
        machine.has(program)
    assert packages(tmp_path).work() is None
    assert machine.called() == []


def test_only_missing_packages_are_installed_and_their_use_is_said(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has("sox")
    machine.has("mmdebstrap")
    machine.has("apt-get", installs(machine, "espeak-ng"))
    step = packages(tmp_path)
    assert "espeak-ng (speaks prompts" in str(step.work())
    carry_out(step)
    assert machine.called() == ["apt-get update", "apt-get install --yes --no-install-recommends espeak-ng"]
    assert not (tmp_path / "policy-rc.d").exists()


def test_an_expired_mirror_is_used_after_saying_so(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has("mmdebstrap")
    expired = 'case "$*" in update) echo "E: Release file is expired"; exit 100;; esac\n'
    machine.has("apt-get", expired + installs(machine, "espeak-ng", "sox"))
    said = carry_out(packages(tmp_path))
    assert "past its date" in said[0]
    assert machine.called()[1] == "apt-get update -o Acquire::Check-Valid-Until=false"


def test_another_failure_of_apt_is_told_with_its_last_words(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has("apt-get", 'echo "E: Could not resolve the mirror"; exit 100')
    with pytest.raises(Unavailable, match="Could not resolve the mirror"):
        carry_out(packages(tmp_path))


def test_without_root_the_command_to_run_is_named_before_anything_is_done(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.has("apt-get")
    machine.has("sox")
    with pytest.raises(Unavailable, match="sudo apt-get install espeak-ng mmdebstrap"):
        packages(tmp_path).check()
    assert machine.called() == []


def test_without_root_it_is_said_what_each_package_is_for(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.has("apt-get")
    with pytest.raises(Unavailable, match=r"sox brings sound files .*; mmdebstrap unpacks a private Asterisk"):
        packages(tmp_path).check()


@pytest.mark.parametrize("user", [0, 1000])
def test_test_servers_stay_down_while_they_are_installed_be_it_through_sudo(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    policy = tmp_path / "policy-rc.d"
    machine.has("sudo", '[ "$1" = -n ] && shift; exec "$@"')
    for program in ("mmdebstrap", "espeak-ng", "true", "cat"):
        machine.has(program)
    (machine.folder / "cat").unlink()
    (machine.folder / "cat").symlink_to(str(shutil.which("cat", path="/usr/bin:/bin")))
    seen = f"case $1 in install) test -x {policy} && cat {policy} > {tmp_path}/seen;; esac\n"
    machine.has("apt-get", seen + installs(machine, "sox"))
    carry_out(packages(tmp_path))
    assert (tmp_path / "seen").read_text() == "#!/bin/sh\nexit 101\n"
    assert not policy.exists()


def test_benches_need_no_browser_and_no_servers_of_the_tests(machine: Machine, tmp_path: Path) -> None:
    names = {package.name for package in packages_for("bench", tmp_path)}
    assert "tcpdump" in names
    assert not names & {"chromium", "postgresql", "mosquitto", "redis-server"}


def test_a_system_without_apt_is_told_each_program_and_its_use(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="sox brings sound files"):
        packages(tmp_path).check()


# -- Asterisk --

_WORKING_TREE = """
for target; do :; done
mkdir -p $target/usr/lib/$(ARCH)-linux-gnu $target/usr/sbin
printf '#!/bin/sh\\necho Asterisk 22.10\\n' > $target/usr/lib/$(ARCH)-linux-gnu/ld-linux-test.so.2
chmod +x $target/usr/lib/$(ARCH)-linux-gnu/ld-linux-test.so.2
touch $target/usr/sbin/asterisk
""".replace("$(ARCH)", os.uname().machine)


def test_a_private_asterisk_is_unpacked_once(machine: Machine, tmp_path: Path) -> None:
    machine.has("mmdebstrap", _WORKING_TREE)
    tree = tmp_path / "state" / "tree"
    assert carry_out(AsteriskTree(tree, tmp_path / "log")) == []
    assert find_in_tree(tree) is not None
    assert AsteriskTree(tree, tmp_path / "log").work() is None
    assert len(machine.called()) == 1


def test_the_strict_way_is_tried_before_the_date_is_let_pass(machine: Machine, tmp_path: Path) -> None:
    strict = 'case "$*" in *Valid-Until*) ;; *) echo "Release file is expired"; exit 25;; esac\n'
    machine.has("mmdebstrap", strict + _WORKING_TREE)
    said = carry_out(AsteriskTree(tmp_path / "tree", tmp_path / "log"))
    assert "past its date" in said[0]
    assert len(machine.called()) == 2


@pytest.mark.parametrize(
    "script", ["for target; do :; done; mkdir $target; exit 1", "for target; do :; done; mkdir $target"]
)
def test_a_tree_that_fails_on_the_way_leaves_nothing_behind(machine: Machine, tmp_path: Path, script: str) -> None:
    machine.has("mmdebstrap", script)
    tree = tmp_path / "state" / "tree"
    with pytest.raises(Unavailable):
        carry_out(AsteriskTree(tree, tmp_path / "log"))
    assert list(tree.parent.iterdir()) == []


# -- web app --


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A web app whose build copies its one source; npm and node are the real ones."""
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.ts").write_text("first")
    build = (
        "node -e \"const f=require('fs');f.mkdirSync('dist',{recursive:true});f.cpSync('src','dist',{recursive:true})\""
    )
    package = {"name": "web", "version": "1.0.0", "private": True, "scripts": {"build": build}}
    lock = {
        "name": "web",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {"": {"name": "web", "version": "1.0.0"}},
    }
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (folder / "node_modules").mkdir()
    return folder


def test_the_web_app_is_built_when_its_sources_change_and_only_then(web: Path, tmp_path: Path) -> None:
    carry_out(WebApp(tmp_path / "log", web))
    assert (web / "dist" / "main.ts").read_text() == "first"
    assert WebApp(tmp_path / "log", web).work() is None
    (web / "src" / "main.ts").write_text("second")
    assert WebApp(tmp_path / "log", web).work() == "its sources have changed: building it"
    carry_out(WebApp(tmp_path / "log", web))
    assert (web / "dist" / "main.ts").read_text() == "second"


def test_a_failed_build_is_told_and_tried_again_next_time(web: Path, tmp_path: Path) -> None:
    package = json.loads((web / "package.json").read_text())
    (web / "package.json").write_text(
        json.dumps(package | {"scripts": {"build": "echo the template is wrong; exit 1"}})
    )
    with pytest.raises(Unavailable, match="the template is wrong"):
        carry_out(WebApp(tmp_path / "log", web))
    assert WebApp(tmp_path / "log", web).work() is not None


@pytest.mark.parametrize(
    ("version", "sentence"), [("v18.20.4", "Node.js here is v18.20.4"), (None, "Node.js with npm is missing")]
)
def test_a_machine_without_a_node_that_is_new_enough_is_told_so(
    machine: Machine, web: Path, tmp_path: Path, version: str | None, sentence: str
) -> None:
    if version is not None:
        machine.has("node", f"echo {version}")
        machine.has("npm")
    with pytest.raises(Unavailable, match=sentence):
        WebApp(tmp_path / "log", web).check()


# -- ports --


def own_ports(tmp_path: Path, **changes: object) -> Settings:
    names = ("http_port", "https_port", "ws_port", "wss_port", "sip_port", "ami_port", "agi_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    return Settings.model_validate({"state": tmp_path, **ports, **changes})


def test_free_ports_pass(tmp_path: Path) -> None:
    PortsFree(own_ports(tmp_path)).check()


@pytest.mark.parametrize(
    ("setting", "kind"),
    [("http_port", socket.SOCK_STREAM), ("ami_port", socket.SOCK_STREAM), ("sip_port", socket.SOCK_DGRAM)],
)
def test_a_taken_port_is_told_with_the_setting_that_chooses_it(tmp_path: Path, setting: str, kind: int) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {taken}.*ONECALL_{setting.upper()}"):
            PortsFree(own_ports(tmp_path, **{setting: taken})).check()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": "203.0.113.77"}, r"is on 203\.0\.113\.77, which is no address of this machine.*ONECALL_HOST"),
        ({"host": "desk.invalid"}, r"is on desk\.invalid, a name that leads to no address.*ONECALL_HOST"),
        ({"agi_host": "203.0.113.77"}, r"\(IVR\) is on 203\.0\.113\.77.*ONECALL_AGI_HOST"),
    ],
)
def test_an_address_that_is_not_ours_is_not_called_a_taken_port(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Unavailable, match=sentence):
        PortsFree(own_ports(tmp_path, **changes)).check()


def test_a_port_that_only_root_may_open_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: object, _where: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("onecall.provision_ports.socket.socket.bind", refuse, raising=False)
    with pytest.raises(Unavailable, match=r"port 80 \(web\) is one that only root may open\. Choose one from 1024 up"):
        PortsFree(Settings(state=tmp_path, http_port=80)).check()


def test_checking_the_ports_writes_nothing(tmp_path: Path) -> None:
    PortsFree(own_ports(tmp_path)).check()
    assert list(tmp_path.iterdir()) == []


def test_one_port_given_twice_is_told_with_both_settings(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unavailable, match="ONECALL_HTTP_PORT and ONECALL_AGI_PORT are both"):
        PortsFree(own_ports(tmp_path, http_port=port, agi_port=port)).check()


def test_nothing_is_done_when_a_port_is_taken(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Unavailable):
            provision(own_ports(state, http_port=other.getsockname()[1]), "run", lambda _: None)
    assert not (state / "tls").exists()


def test_two_set_ups_of_one_state_folder_do_their_work_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working, overlaps = threading.Event(), []

    class Slow(Step):
        title = "Slow"

        def work(self) -> str:
            overlaps.append(working.is_set())
            return "working"

        def do(self, say: object) -> None:
            working.set()
            second_waits.wait(10)
            working.clear()

    second_waits = threading.Event()
    monkeypatch.setattr("onecall.provision._steps", lambda *_: [Slow()])

    def second(line: str) -> None:
        if "waiting for it to end" in line:
            second_waits.set()

    first = threading.Thread(target=provision, args=(own_ports(tmp_path), "run", lambda _: None))
    first.start()
    assert working.wait(10)
    provision(own_ports(tmp_path), "run", second)
    first.join()
    assert overlaps == [False, False]


# -- disk and state folder --


class Making(Step):
    """A step with or without work."""

    def __init__(self, work: str | None) -> None:
        self._work = work

    def work(self) -> str | None:
        return self._work


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=200_000_000)
    monkeypatch.setattr("onecall.provision.shutil.disk_usage", lambda _: usage)


def test_a_full_disk_is_refused_only_where_something_big_has_to_be_made(full_disk: None, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"Only 200 MB are free.*Free 1500 MB"):
        DiskSpace(tmp_path, [Making(None), Making("building")]).check()
    ready = DiskSpace(tmp_path, [Making(None)])
    ready.check()
    assert "WARNING: only 200 MB free" in ready.state()


@pytest.mark.parametrize("purpose", ["run", "start"])
def test_a_machine_with_all_in_place_starts_on_a_full_disk(
    full_disk: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    monkeypatch.setattr("onecall.provision.SystemPackages", lambda *_: Making(None))
    monkeypatch.setattr("onecall.provision.AsteriskTree", lambda *_: Making(None))
    monkeypatch.setattr("onecall.provision.WebApp", lambda *_: Making(None))
    said: list[str] = []
    provision(own_ports(tmp_path), purpose, said.append)
    assert any("WARNING: only 200 MB free" in line for line in said)


def test_a_state_folder_too_deep_for_asterisk_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    state = tmp_path / ("d" * 100)
    with pytest.raises(Invalid, match=r"too long for the system.*ONECALL_STATE"):
        provision(own_ports(state), "run", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_that_is_a_file_is_refused_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"The state folder .*file cannot be used: File exists.*ONECALL_STATE"):
        provision(own_ports(tmp_path / "file"), "run", lambda _: None)


# -- certificate --


def test_a_certificate_that_names_this_machine_is_kept(tmp_path: Path) -> None:
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(*files, ["localhost", "127.0.0.1"])
    assert certificate_problem(*files, ["localhost", "127.0.0.1"]) is None
    assert certificate_problem(*files, ["localhost", "desk.example"]) == "the one there does not name desk.example"
    assert files[1].stat().st_mode & 0o077 == 0


def test_a_certificate_of_the_companys_own_is_never_replaced_for_its_names(tmp_path: Path) -> None:
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(*files, ["localhost"])
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    issued = (
        x509.CertificateBuilder()
        .subject_name(name("desk.example"))
        .issuer_name(name("An authority"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=5))
        .sign(key, hashes.SHA256())
    )
    files[0].write_bytes(issued.public_bytes(Encoding.PEM))
    with pytest.raises(Invalid, match="does not belong to the certificate"):
        certificate_problem(*files, ["localhost"])
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert certificate_problem(*files, ["localhost"]) is None


def test_a_pair_of_ours_that_does_not_belong_together_is_made_anew(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(certificate, key, ["localhost"])
    make_certificate(tmp_path / "other.pem", key, ["localhost"])
    assert certificate_problem(certificate, key, ["localhost"]) == "the key there is not that of the certificate"
    key.write_text("half a ke")
    assert certificate_problem(certificate, key, ["localhost"]) == "the key there is not that of the certificate"
