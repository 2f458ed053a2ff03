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
        ("SIP_PORT", "70000", "a port is a number from 0 to 65535"),
        ("RTP_END", "19000", "the sound ports 20000 to 19000 are no range"),
        ("RTP_START", "30000", "the sound ports 30000 to 20999 are no range"),
        ("TRUNK_ADDRESSES", "127.0.1.1, provider", "'provider' is not an address such as 203.0.113.10"),
        ("DATABASE_URL", "mysql://u:hidden@host/db", "begins with sqlite+aiosqlite: or postgresql+asyncpg:"),
        ("ROOM_MIXING_MS", "30", "Input should be 20 or 40"),
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
