"""Settings: each wrong one is refused with its name, its value and the remedy."""

import os

import pytest

from core.errors import Invalid
from onecall import settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ONECALL_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HTTP_PORT", "abc", "ONECALL_HTTP_PORT='abc'"),
        ("HTTP_PORT", "70000", "a port is a number from 1 to 65535, or 0 for none"),
        ("SIP_PORT", "70000", "a port is a number from 1 to 65535"),
        *((f"{name}_PORT", "0", "from 1 to 65535") for name in ("SIP", "AMI", "WS", "WSS", "AGI")),
        ("SIP_PORT", "20500", "the sound ports 20000 to 20999 hold the SIP port 20500"),
        ("HOST", "::", "IPv6 is not served (0.0.0.0 is every IPv4 address)"),
        ("AMI_HOST", "a host", "this is an IPv4 address or a name"),
        ("EXTERNAL_ADDRESS", "203.0.113.1:5060", "without a port"),
        ("TRUNK_CONTACT", "nonsense", "ONECALL_TRUNK_CONTACT='nonsense': where calls are sent is written as sip:"),
        ("TRUNK_CONTACT", "sip:provider.example:99999", "is written as sip:"),
        ("TRUNK_ADDRESSES", " , ", "no caller could reach us"),
        ("REDIS_URL", "foo", "ONECALL_REDIS_URL=…: a Redis URL begins with redis://"),
        ("MQTT_URL", "broker:1883", "ONECALL_MQTT_URL=…: the URL of an MQTT broker begins with mqtt://"),
        ("RTP_END", "19000", "the sound ports 20000 to 19000 are no range"),
        ("RTP_START", "30000", "the sound ports 30000 to 20999 are no range"),
        ("TRUNK_ADDRESSES", "127.0.1.1, provider", "'provider' is not an address such as 203.0.113.10"),
        ("DATABASE_URL", "mysql://u:hidden@host/db", "begins with sqlite+aiosqlite: or postgresql+asyncpg:"),
        ("ROOM_MIXING_MS", "30", "Input should be 20 or 40"),
        ("NODE", "Rome 1", "'Rome 1' is no name of a node: a letter, then letters, digits and hyphens, all small"),
        ("NODES", "milan", "ONECALL_NODES=…: the nodes are a JSON list such as ["),
        ("NODES", "[1]", "the nodes are a JSON list"),
        ("NODES", '[{"name": "milan"}]', "the node milan has no address"),
        ("NODES", '[{"name": "Milan", "address": "10.0.0.1"}]', "'Milan' is no name of a node"),
        ("NODES", '[{"name": "milan", "address": "pbx.example"}]', "'pbx.example', the address of the node milan"),
        (
            "NODES",
            '[{"name": "milan", "adress": "10.0.0.1"}]',
            "a node has no 'adress'; it has name, address, sip_port",
        ),
        ("NODES", '[{"name": "milan", "address": 7}]', "the address of the node milan is not a text"),
        ("NODES", '[{"name": "milan", "address": "10.0.0.1", "sip_port": "x"}]', "sip_port of the node milan is not a"),
        ("NODES", '[{"name": "milan", "address": "10.0.0.1", "sip_port": 0}]', "is no number from 1 to 65535"),
        (
            "NODES",
            '[{"name": "milan", "address": "10.0.0.1", "ami_secret": "hidden"}]',
            "needs an ami_secret and a home",
        ),
        ("NODES", '[{"name": "milan", "address": "10.0.0.1"}]', "this one needs a name too (ONECALL_NODE)"),
        (
            "NODES",
            '[{"name": "milan", "address": "10.0.0.1"}, {"name": "turin", "address": "10.0.0.1"}]',
            "two nodes have the address 10.0.0.1",
        ),
        ("IDLE_MINUTES", "0", "greater than 0"),
        ("ALLOWED_ORIGINS", "https://desk.example.com/", "'https://desk.example.com/' is no origin such as"),
        ("ALLOWED_ORIGINS", "https://a.example, desk.example.com", "'desk.example.com' is no origin such as"),
        ("HTTP_PRT", "8080", "ONECALL_HTTP_PRT is no setting (do you mean ONECALL_HTTP_PORT?)"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"ONECALL_{name}", value)
    with pytest.raises(Invalid) as refused:
        settings.load()
    assert told in refused.value.what
    assert "hidden" not in refused.value.what
    assert "onecall settings" in refused.value.remedy


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECALL_HTTP_PORT", "abc")
    monkeypatch.setenv("ONECALL_OFFER_SECONDS", "-1")
    with pytest.raises(Invalid, match=r"(?s)HTTP_PORT.*OFFER_SECONDS"):
        settings.load()


def test_the_defaults_hold_and_networks_are_addresses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECALL_TRUNK_ADDRESSES", "203.0.113.0/24, 2001:db8::1")
    found = settings.load()
    assert (found.http_port, found.trunk_addresses) == (8080, "203.0.113.0/24, 2001:db8::1")


def test_a_web_without_any_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECALL_HTTPS_PORT", "0")
    assert settings.load().https_port == 0
    monkeypatch.setenv("ONECALL_HTTP_PORT", "0")
    with pytest.raises(Invalid, match="ONECALL_HTTPS_PORT='0': with ONECALL_HTTP_PORT=0 too"):
        settings.load()


@pytest.mark.parametrize("contact", ["sip:127.0.1.1:5060", "sip:trunk.example.com", "sip:us@[2001:db8::1]:5070"])
def test_trunk_contacts_as_providers_give_them_are_taken(monkeypatch: pytest.MonkeyPatch, contact: str) -> None:
    monkeypatch.setenv("ONECALL_TRUNK_CONTACT", contact)
    assert settings.load().trunk_contact == contact


def test_further_nodes_are_read_and_their_manager_is_at_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECALL_NODE", "rome")
    monkeypatch.setenv(
        "ONECALL_NODES",
        '[{"name": "milan", "address": "10.0.2.5", "ami_secret": "s", "home": "/srv/milan"},'
        ' {"name": "turin", "address": "10.0.3.5", "sip_port": 5062, "ami_host": "10.0.3.6"}]',
    )
    milan, turin = settings.load().further_nodes
    assert (milan.ami_host, milan.ami_port, milan.sip_port) == ("10.0.2.5", 5038, 5060)
    assert str(milan.agents_file) == "/srv/milan/etc/pjsip-agents.conf"
    assert (turin.ami_host, turin.sip_port) == ("10.0.3.6", 5062)


def test_a_further_node_may_not_have_this_machines_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECALL_NODE", "milan")
    monkeypatch.setenv("ONECALL_NODES", '[{"name": "milan", "address": "10.0.2.5"}]')
    with pytest.raises(Invalid, match="milan is this machine's own name"):
        settings.load()
