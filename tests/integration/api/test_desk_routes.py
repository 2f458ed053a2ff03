"""The plain requests around the desk: phone, directory, lists, live pictures, health, metrics, headers."""

from pathlib import Path

import httpx
import pytest

from acd.model import Agent
from api.headers import SecurityHeaders
from core.bus import LocalBus
from core.db import Database
from core.errors import Unavailable
from tests.integration.api.house import House, build
from tests.integration.api.stub_acd import StubAcd


async def test_an_agent_gets_the_credentials_of_the_own_phone_only(house: House) -> None:
    async with house.database.session() as session:
        (await session.get_one(Agent, "a-bice")).phone_secret = "secret of bice"
    async with house.signed_in("bice") as client:
        phone = (await client.get("/api/phone")).json()
    assert phone["uri"].startswith("sip:2002@")
    assert phone["password"] == "secret of bice"
    assert phone["ws_url"] == "ws://onecall.test:8088/ws"


async def test_a_page_with_tls_is_sent_to_the_phones_port_with_tls(house: House) -> None:
    async with house.signed_in("anna") as client:
        phone = (await client.get("https://onecall.test/api/phone")).json()
    assert phone["ws_url"] == "wss://onecall.test:8089/ws"


async def test_an_agent_with_a_desk_phone_gets_no_browser_credentials(house: House) -> None:
    async with house.database.session() as session:
        (await session.get_one(Agent, "a-anna")).phone_kind = "sip"
    async with house.signed_in("anna") as client:
        answer = await client.get("/api/phone")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "desk_phone")


async def test_the_directory_shows_other_agents_with_state_and_queues_with_callers(house: House) -> None:
    async with house.signed_in("anna") as client:
        found = (await client.get("/api/directory")).json()
    assert found["live"] is True
    assert [(one["kind"], one["id"], one["state"], one["waiting"]) for one in found["items"]] == [
        ("agent", "a-bice", "talking", None),
        ("queue", "q-care", None, 2),
    ]


async def test_the_directory_is_of_use_also_while_routing_is_away(house: House) -> None:
    house.acd.fail = Unavailable("The service 'acd' does not answer.")
    async with house.signed_in("anna") as client:
        found = (await client.get("/api/directory", params={"q": "bice"})).json()
    assert found["live"] is False
    assert [one["name"] for one in found["items"]] == ["Bice"]


async def test_reasons_are_told_in_both_languages_and_those_of_the_system_are_marked(house: House) -> None:
    async with house.signed_in("anna") as client:
        items = (await client.get("/api/reasons")).json()["items"]
    assert {item["id"]: item["system"] for item in items} == {"break": False, "rona": True}
    assert next(item for item in items if item["id"] == "break")["name"] == {"it": "Pausa", "en": "Break"}


async def test_the_own_desk_and_the_floor_can_be_read_once(house: House) -> None:
    async with house.signed_in("anna") as client:
        assert (await client.get("/api/desk")).json()["agent"]["id"] == "a-anna"
    async with house.signed_in("supervisor") as client:
        floor = (await client.get("/api/floor")).json()
    assert floor["totals"]["agents"]["talking"] == 1


async def test_routing_that_does_not_answer_is_503_with_a_remedy(house: House) -> None:
    house.acd.fail = Unavailable("The service 'acd' does not answer.", "It may be restarting.")
    async with house.signed_in("anna") as client:
        answer = await client.get("/api/desk")
    assert answer.status_code == 503
    assert answer.json()["error"]["remedy"] == "It may be restarting."


async def test_health_names_each_part_and_is_200_only_when_all_work(house: House) -> None:
    async with house.client() as client:
        well = await client.get("/api/health")
        assert well.status_code == 200
        assert {name: part["ok"] for name, part in well.json()["parts"].items()} == {
            "database": True,
            "bus": True,
            "routing": True,
            "asterisk": True,
        }
        house.acd.asterisk = False
        without_asterisk = await client.get("/api/health")
        assert without_asterisk.status_code == 503
        assert without_asterisk.json()["parts"]["asterisk"]["ok"] is False
        house.acd.fail = Unavailable("The service 'acd' does not answer.")
        alone = (await client.get("/api/health")).json()
    assert alone["status"] == "failing"
    assert alone["parts"]["database"]["ok"] is True
    assert "does not answer" in alone["parts"]["routing"]["detail"]


async def test_health_says_that_the_database_is_away(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/missing/folder/onecall.db")
    bus = LocalBus()
    house = await build(database, bus, StubAcd(bus), tmp_path)
    async with house.client() as client:
        answer = await client.get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"]["ok"] is False


async def test_without_a_database_a_request_is_503_and_shows_no_traceback(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/missing/folder/onecall.db")
    bus = LocalBus()
    house = await build(database, bus, StubAcd(bus), tmp_path)
    async with house.client() as client:
        answer = await client.post("/api/session", json={"login": "anna", "password": "any"})
    assert answer.status_code == 503
    assert "Traceback" not in answer.text
    assert "sqlite" not in answer.text.lower()


@pytest.mark.parametrize(
    ("client_address", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, None, 200),
        ("192.0.2.1", {}, None, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, None, 403),
        ("192.0.2.1", {"Authorization": "Bearer right"}, "right", 200),
        ("192.0.2.1", {"Authorization": "Bearer wrong"}, "right", 403),
        ("127.0.0.1", {}, "right", 403),
    ],
)
async def test_metrics_are_for_loopback_or_with_the_token(
    database: Database, tmp_path: Path, client_address: str, headers: dict[str, str], token: str | None, status: int
) -> None:
    bus = LocalBus()
    house = await build(database, bus, StubAcd(bus), tmp_path, metrics_token=token)
    async with house.client(client_address) as client:
        answer = await client.get("/api/metrics", headers=headers)
    assert answer.status_code == status
    assert ("onecall_sockets_open" in answer.text) == (status == 200)


async def test_requests_are_measured_by_operation_and_never_by_the_address_a_client_made_up(house: House) -> None:
    async with house.client("127.0.0.1") as client:
        await client.get("/api/session")
        await client.get("/api/made-up-address")
        metrics = (await client.get("/api/metrics")).text
    assert 'onecall_http_request_seconds_count{operation="who_am_i",status="401"}' in metrics
    assert "made-up-address" not in metrics


async def test_every_answer_forbids_scripts_from_elsewhere_and_being_framed(house: House) -> None:
    async with house.client() as client:
        for path in ("/api/health", "/api/session", "/api/nothing", "/"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert "ws://onecall.test:8088" in policy
            assert "wss://onecall.test:8089" in policy
            assert headers["x-content-type-options"] == "nosniff"
        assert (await client.get("/api/session")).headers["cache-control"] == "no-store"


async def test_a_host_header_cannot_write_into_the_content_policy(house: House) -> None:
    async with house.client() as client:
        answer = await client.get("/api/health", headers={"Host": "a; script-src *"})
    assert "script-src *" not in answer.headers["content-security-policy"]


async def test_unknown_addresses_and_methods_are_answered_in_json(house: House) -> None:
    async with house.client() as client:
        missing = await client.get("/api/nothing")
        method = await client.put("/api/health")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["error"]["code"]) == (405, "method_not_allowed")


async def test_a_body_that_is_too_large_is_refused(house: House) -> None:
    async with house.client() as client:
        answer = await client.post("/api/session", content=b"x" * 2_000_000)
    assert answer.status_code == 413


async def test_a_value_out_of_form_is_named_with_field_and_value(house: House) -> None:
    async with house.signed_in("anna") as client:
        answer = await client.patch("/api/session", json={"language": "klingon", "colour": "red"})
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert {field["field"] for field in error["values"]["fields"]} == {"language", "colour"}
    assert "'klingon'" in error["what"]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A built web app."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>OneCall</title>")
    (folder / "assets" / "app-1a2b.js").write_text("export {}")
    return folder


async def test_the_web_app_is_served_with_its_page_for_every_address_of_its_own(
    database: Database, tmp_path: Path, dist: Path
) -> None:
    bus = LocalBus()
    house = await build(database, bus, StubAcd(bus), tmp_path, web_dist=dist)
    async with house.client() as client:
        page, deep = await client.get("/"), await client.get("/tickets/t-1")
        script, gone = await client.get("/assets/app-1a2b.js"), await client.get("/assets/app-old.js")
        api = await client.get("/api/nothing")
    assert page.text == deep.text
    assert page.headers["cache-control"] == deep.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]
    assert gone.status_code == 404
    assert api.json()["error"]["code"] == "not_found"


async def test_without_a_built_web_app_the_page_says_how_to_build_it(house: House) -> None:
    async with house.client() as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text


async def test_headers_are_added_also_when_no_host_is_given() -> None:
    async def app(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    guarded = SecurityHeaders(app, phone_ws_port=0, phone_wss_port=8089)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://h") as client:
        policy = (await client.get("/", headers={"Host": ""})).headers["content-security-policy"]
    assert "connect-src 'self';" in policy
