"""Every way into the app has a gate, and the gate holds."""

import re

import pytest
from fastapi import APIRouter

from api.access import ALL_ROLES, entrances, refuse_unguarded
from tests.integration.api.house import LOGINS, House

_OPEN = {
    ("POST", "/api/session"),
    ("GET", "/api/health"),
    ("GET", "/api/metrics"),
    ("GET", "/api/openapi.json"),
    ("GET", "/"),
}


def _login_of(role: str) -> str:
    return next(login for login, roles in LOGINS.items() if roles == [role])


def _filled(path: str) -> str:
    return re.sub(r"{[a-z_]+}", "1234", path)


async def test_only_the_door_health_and_descriptions_are_open_to_all(house: House) -> None:
    found = entrances(house.app)
    assert len(found) > 50
    opened = {(method, one.path) for one in found for method in one.methods if one.gate and one.gate.open_to_all}
    assert opened == _OPEN
    assert all(one.gate is not None and (one.gate.roles or one.gate.open_to_all) for one in found)
    assert {one.path for one in found if not one.methods} == {"/api/desk", "/api/floor"}


async def test_a_route_that_forgot_its_gate_stops_the_app(house: House) -> None:
    router = APIRouter()

    @router.get("/open-door")
    async def open_door() -> None: ...

    house.app.include_router(router, prefix="/api")
    with pytest.raises(RuntimeError, match="/api/open-door"):
        refuse_unguarded(house.app)


@pytest.mark.parametrize("role", sorted(ALL_ROLES))
async def test_every_route_refuses_this_role_exactly_where_its_gate_says(house: House, role: str) -> None:
    async with house.signed_in(_login_of(role)) as client:
        for entrance in entrances(house.app):
            if entrance.gate is None or entrance.gate.open_to_all or entrance.path == "/api/session":
                continue
            for method in entrance.methods:
                answer = await client.request(method, _filled(entrance.path), json={})
                refused = answer.status_code == 403
                assert refused == (role not in entrance.gate.roles), f"{method} {entrance.path}: {answer.text}"
                assert answer.status_code < 500, f"{method} {entrance.path}: {answer.text}"


async def test_every_gated_route_answers_401_to_nobody(house: House) -> None:
    async with house.client() as client:
        for entrance in entrances(house.app):
            if entrance.gate is None or entrance.gate.open_to_all:
                continue
            for method in entrance.methods:
                answer = await client.request(method, _filled(entrance.path), json={})
                assert answer.status_code == 401, f"{method} {entrance.path}: {answer.text}"
                assert answer.json()["error"]["code"] == "sign_in_needed"


async def test_every_changing_route_refuses_a_request_without_the_csrf_header(house: House) -> None:
    for role in sorted(ALL_ROLES):
        async with house.signed_in(_login_of(role)) as client:
            del client.headers["X-CSRF"]
            for entrance in entrances(house.app):
                if entrance.gate is None or role not in entrance.gate.roles:
                    continue
                for method in entrance.methods - {"GET", "HEAD"}:
                    for headers in ({}, {"X-CSRF": "guessed"}):
                        answer = await client.request(method, _filled(entrance.path), json={}, headers=headers)
                        assert answer.status_code == 403, f"{method} {entrance.path}"
                        assert answer.json()["error"]["code"] == "csrf"
