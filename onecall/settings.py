"""All settings of OneCall, in one place. Each is an environment variable with the prefix `ONECALL_`.

The README's table is made from this model (`onecall settings`), and the container files are checked against it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import phonenumbers
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import Invalid
from onecall.nodes import Node, check_name, parse_nodes

PROJECT = Path(__file__).resolve().parent.parent
"""The project's own folder: templates, flows and the built web app are found from here."""
_PREFIX = "ONECALL_"
_NOT_SETTINGS = {"ONECALL_SURVIVAL_SPOOL"}
"""Variables of ours that are not settings: this one is told to Asterisk's survival script."""
_CONFIDENTIAL = ("secret", "token", "_url", "nodes")
_DATABASES = ("sqlite+aiosqlite:", "postgresql+asyncpg:")
_BUSES = ("redis://", "rediss://", "unix://")
_BROKERS = ("mqtt://", "mqtts://")
_PORTS_OF_A_CALL = 4
_HOST_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_ORIGIN = re.compile(rf"https?://{_HOST_NAME}(?::\d{{1,5}})?")
_CONTACT = re.compile(rf"sip:(?:[\w.+-]+@)?(?:{_HOST_NAME}|\[[0-9a-fA-F:]+\])(?::(?P<port>\d{{1,5}}))?")


class Settings(BaseSettings):
    """Where things are, which ports are used, how long things wait. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    state: Path = Field(
        Path(".state"), description="Folder of all that OneCall writes: database, recordings, logs, keys"
    )
    host: str = Field("127.0.0.1", description="IPv4 address that the web and phone servers listen on; 0.0.0.0 for all")
    public_host: str = Field("localhost", description="Name by which browsers reach this machine")
    http_port: int = Field(8080, description="Web port without TLS (0: none); a browser phone needs `localhost` here")
    https_port: int = Field(8443, validate_default=True, description="Web port with TLS (0: none)")
    ws_port: int = Field(8088, description="Asterisk's WebSocket port without TLS, for browser phones on localhost")
    wss_port: int = Field(8089, description="Asterisk's WebSocket port with TLS, for browser phones")
    sip_port: int = Field(5060, description="SIP over UDP: trunk and desk phones")
    rtp_start: int = Field(20000, description="First UDP port for sound")
    rtp_end: int = Field(20999, validate_default=True, description="Last UDP port for sound")
    external_address: str = Field(
        "", description="Public address of the NAT router before Asterisk, told to phones outside; empty: no NAT"
    )
    ami_host: str = Field("127.0.0.1", description="Asterisk's manager interface")
    ami_port: int = Field(5038, description="Asterisk's manager port")
    ami_user: str = Field("onecall", description="Manager user")
    ami_secret: SecretStr = Field(SecretStr(""), description="Manager secret; made at first start when empty")
    agi_host: str = Field("127.0.0.1", description="Address at which Asterisk reaches the IVR")
    agi_port: int = Field(4573, description="FastAGI port of the IVR")
    trunk_addresses: str = Field(
        "127.0.1.1", description="Addresses (commas between) of outside callers; never those of phones"
    )
    trunk_contact: str = Field("sip:127.0.1.1:5060", description="Where calls to outside numbers are sent")
    asterisk: Literal["own", "external"] = Field(
        "own", description="`own`: OneCall starts its Asterisk; `external`: one runs already (containers)"
    )
    asterisk_tree: Path | None = Field(
        None, description="A provisioned Asterisk tree to share (default: inside the state folder)"
    )
    asterisk_realtime: bool = Field(
        True, description="Asterisk's threads run before all ordinary processes, where the system allows it"
    )
    asterisk_home: Path | None = Field(
        None, description="With `external`: the folder shared with Asterisk (agents' file, sounds)"
    )
    node: str = Field("", description="Name of this machine's Asterisk among several; empty: it is the only one")
    nodes: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="The further Asterisk nodes, as a JSON list (docs/deployment.md); empty: none",
    )
    room_mixing_ms: Literal[20, 40] = Field(
        20, description="How often rooms are mixed; 40 spares a quarter of Asterisk's processor time for some delay"
    )
    recordings: Path | None = Field(None, description="Recordings folder (default: inside the state folder)")
    flows: Path | None = Field(
        None,
        description="Folder of call flows as YAML files (default: `flows` in the state folder); docs/ivr.md",
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the state folder")
    redis_url: str = Field("", description="Redis for the bus between processes; empty: one process, no Redis")
    mqtt_url: str = Field(
        "", description="MQTT broker for the outward feed (mqtt://user:password@host:port); empty: none"
    )
    log_form: Literal["json", "text"] = Field("text", description="Form of log lines")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")
    offer_seconds: float = Field(15.0, gt=0, description="How long an agent's phone rings before the call goes back")
    paint_seconds: float = Field(
        0.15, ge=0, description="Longest wait for the pop to be on screen before the phone rings"
    )
    wrap_up_seconds: float = Field(45.0, ge=0, description="Wrap-up time where a queue's plan says none")
    grace_seconds: float = Field(
        20.0, ge=0, description="How long a caller rests for an agent whose phone vanished in mid-call"
    )
    call_back_countries: str = Field(
        "", description="Countries (ISO codes, commas between) that are called back; empty: that of the number dialled"
    )
    session_hours: float = Field(
        12.0, gt=0, description="A sign-in ends after this long; in mid-call, once the wrap-up is over"
    )
    idle_minutes: float = Field(60.0, gt=0, description="A sign-in that nobody uses for so long ends")
    allowed_origins: str = Field(
        "", description="Pages (https://desk.example.com, commas between) that may open our sockets beside our own"
    )
    recordings_min_free_mb: int = Field(500, ge=0, description="Free disk under which the recordings alarm is raised")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Token for /api/metrics from other machines; empty: loopback only"
    )
    metrics_host: str = Field("127.0.0.1", description="Address of the metrics port of `onecall acd`")
    metrics_port: int = Field(
        9180, description="Port of `onecall acd` for /metrics and /health, as it has no web (0: none)"
    )
    demo: bool = Field(True, description="Seed the demo company into an empty database")

    @field_validator("http_port", "https_port", "metrics_port")
    @classmethod
    def _port_or_none(cls, port: int) -> int:
        if not 0 <= port <= 65535:
            raise ValueError("a port is a number from 1 to 65535, or 0 for none")
        return port

    @field_validator("https_port")
    @classmethod
    def _web_has_a_port(cls, port: int, given: ValidationInfo) -> int:
        if port == given.data.get("http_port") == 0:
            raise ValueError("with ONECALL_HTTP_PORT=0 too, nobody could reach the web")
        return port

    @field_validator("ws_port", "wss_port", "sip_port", "ami_port", "agi_port")
    @classmethod
    def _port(cls, port: int) -> int:
        if not 1 <= port <= 65535:
            raise ValueError("a port is a number from 1 to 65535")
        return port

    @field_validator("rtp_end")
    @classmethod
    def _sound_ports(cls, last: int, given: ValidationInfo) -> int:
        first, sip = given.data.get("rtp_start", last), given.data.get("sip_port", 0)
        if not 1024 <= first < last <= 65535 or last - first < _PORTS_OF_A_CALL:
            raise ValueError(
                f"the sound ports {first} to {last} are no range of {_PORTS_OF_A_CALL} or more from 1024 to 65535"
            )
        if first <= sip <= last:
            raise ValueError(f"the sound ports {first} to {last} hold the SIP port {sip} (ONECALL_SIP_PORT)")
        return last

    @field_validator("host", "ami_host", "agi_host", "metrics_host")
    @classmethod
    def _address_of_ours(cls, host: str) -> str:
        if not re.fullmatch(_HOST_NAME, host):
            raise ValueError("this is an IPv4 address or a name; IPv6 is not served (0.0.0.0 is every IPv4 address)")
        return host

    @field_validator("external_address")
    @classmethod
    def _external(cls, address: str) -> str:
        if address and not re.fullmatch(_HOST_NAME, address):
            raise ValueError("this is an IPv4 address or a name, without a port")
        return address

    @field_validator("trunk_contact")
    @classmethod
    def _contact(cls, contact: str) -> str:
        found = _CONTACT.fullmatch(contact)
        if found is None or not 1 <= int(found["port"] or 5060) <= 65535:
            raise ValueError("where calls are sent is written as sip:203.0.113.10:5060 or sip:trunk.example.com")
        return contact

    @field_validator("trunk_addresses")
    @classmethod
    def _addresses(cls, text: str) -> str:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:
            raise ValueError("no caller could reach us: give at least one address such as 203.0.113.10")
        for part in parts:
            try:
                ip_network(part, strict=False)
            except ValueError:
                raise ValueError(f"{part!r} is not an address such as 203.0.113.10 or 203.0.113.0/24") from None
        return text

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, text: str) -> str:
        for part in filter(None, map(str.strip, text.split(","))):
            if not _ORIGIN.fullmatch(part):
                raise ValueError(
                    f"{part!r} is no origin such as https://desk.example.com (no path, no slash at the end)"
                )
        return text

    @field_validator("node")
    @classmethod
    def _node_name(cls, name: str) -> str:
        return check_name(name) if name else name

    @field_validator("nodes")
    @classmethod
    def _further_nodes(cls, text: SecretStr, given: ValidationInfo) -> SecretStr:
        nodes, name = parse_nodes(text.get_secret_value()), given.data.get("node", "")
        if nodes and not name:
            raise ValueError("with further nodes, this one needs a name too (ONECALL_NODE)")
        if name in {node.name for node in nodes}:
            raise ValueError(f"{name} is this machine's own name (ONECALL_NODE)")
        return text

    @field_validator("call_back_countries")
    @classmethod
    def _countries(cls, text: str) -> str:
        for part in filter(None, map(str.strip, text.split(","))):
            if part not in phonenumbers.SUPPORTED_REGIONS:
                raise ValueError(f"{part!r} is not the ISO code of a country such as IT")
        return text

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url and not url.startswith(_DATABASES):
            raise ValueError(f"a database URL begins with {' or '.join(_DATABASES)}")
        return url

    @field_validator("redis_url")
    @classmethod
    def _known_bus(cls, url: str) -> str:
        if url and not url.startswith(_BUSES):
            raise ValueError(f"a Redis URL begins with {', '.join(_BUSES)}")
        return url

    @field_validator("mqtt_url")
    @classmethod
    def _known_broker(cls, url: str) -> str:
        if url and not url.startswith(_BROKERS):
            raise ValueError(f"the URL of an MQTT broker begins with {' or '.join(_BROKERS)}")
        return url

    @property
    def further_nodes(self) -> tuple[Node, ...]:
        """The Asterisk nodes beside the one of the other settings."""
        return parse_nodes(self.nodes.get_secret_value())

    @property
    def origins(self) -> frozenset[str]:
        """The pages that may open our sockets beside our own."""
        return frozenset(filter(None, map(str.strip, self.allowed_origins.lower().split(","))))

    @property
    def called_back_countries(self) -> frozenset[str]:
        """The countries that are called back, as ISO codes; empty: that of the number dialled."""
        return frozenset(filter(None, map(str.strip, self.call_back_countries.split(","))))

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.state / 'onecall.db').resolve()}"

    @property
    def tree(self) -> Path:
        """Where the private Asterisk tree is or will be."""
        return (self.asterisk_tree or self.state / "asterisk" / "tree").resolve()

    @property
    def recordings_folder(self) -> Path:
        """Where recordings are."""
        return (self.recordings or self.state / "recordings").resolve()

    @property
    def flows_folder(self) -> Path:
        """Where flows that are files are; it may be absent."""
        return (self.flows or self.state / "flows").resolve()

    @property
    def prompts_folder(self) -> Path:
        """Where prompts that people recorded are; it may be absent."""
        return (self.state / "prompts").resolve()


def load() -> Settings:
    """The settings in force. Raises Invalid that names each wrong or unknown variable, its value and the remedy."""
    problems = list(_unknown(os.environ))
    settings = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_problem(dict(told)) for told in error.errors()]
    if settings is None or problems:
        raise Invalid(
            "Wrong settings: " + "; ".join(problems) + ".", "Correct the environment; `onecall settings` lists them."
        )
    return settings


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    """A misspelt setting would silently do nothing."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | _NOT_SETTINGS
    for name in sorted(set(environment) - known):
        if name.startswith(_PREFIX):
            near = get_close_matches(name, known, 1)
            yield f"{name} is no setting" + (f" (do you mean {near[0]}?)" if near else "")


def _problem(told: Mapping[str, Any]) -> str:
    name = "_".join(str(part) for part in told["loc"])
    value = "…" if name.endswith(_CONFIDENTIAL) else repr(told["input"])
    return f"{_PREFIX}{name.upper()}={value}: {str(told['msg']).removeprefix('Value error, ')}"


def table() -> str:
    """The settings as a Markdown table, for the README and `onecall settings`."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = f"`{default}`" if default not in (None, "") else "–"
        lines.append(f"| `ONECALL_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)
