"""Administration: checked, stored, told to the other rooms, live at once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from acd.model import Agent, Queue
from core.bus import Subscription
from ivr.model import FlowRow
from tests.integration.api.house import PASSWORD, House, sign_in
from tests.patience import PATIENCE

GOOD_FLOW = """
flow: care
name: Care
start: hello
prompts:
  greeting: {it: Buongiorno., en: Good morning.}
steps:
  hello: {do: play, prompt: greeting, next: care}
  care: {do: queue, queue: q-care}
"""


async def _told(subscription: Subscription) -> dict[str, Any]:
    _, message = await asyncio.wait_for(subscription.next(), PATIENCE)
    return dict(message)


async def test_a_new_user_can_sign_in_with_the_roles_given(house: House) -> None:
    new = {"login": "Carla", "name": "Carla", "password": PASSWORD, "roles": ["quality"], "language": "en"}
    async with house.signed_in("administrator") as admin:
        made = await admin.post("/api/admin/users", json=new)
        assert made.status_code == 201, made.text
        listed = (await admin.get("/api/admin/users")).json()["items"]
    assert "password" not in made.text
    assert "carla" in [user["login"] for user in listed]
    async with house.client() as client:
        me = await sign_in(client, "carla")
    assert (me["roles"], me["language"]) == (["quality"], "en")


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"login": "anna"}, 409, "login"),
        ({"login": "no spaces please"}, 422, "login"),
        ({"roles": ["emperor"]}, 422, "roles.0"),
        ({"roles": []}, 422, "roles"),
        ({"password": "short"}, 422, "password"),
        ({"roles": ["agent"]}, 422, "agent_id"),
        ({"roles": ["agent"], "agent_id": "a-anna"}, 409, "agent_id"),
        ({"roles": ["agent"], "agent_id": "a-nobody"}, 422, "agent_id"),
        ({"roles": ["team_leader"], "team_id": "t-none"}, 422, "team_id"),
        ({"team_id": "t-one"}, 422, "team_id"),
        ({"color": "red"}, 422, "color"),
    ],
)
async def test_a_faulty_user_is_refused_with_the_field_named(
    house: House, change: dict[str, Any], status: int, field: str
) -> None:
    new = {"login": "carla", "name": "Carla", "password": PASSWORD, "roles": ["quality"], **change}
    async with house.signed_in("administrator") as admin:
        answer = await admin.post("/api/admin/users", json=new)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert field in error["what"] or error["values"].get("field") == field
    assert error["remedy"]


async def test_a_disabled_user_is_out_at_once_everywhere(house: House) -> None:
    async with house.signed_in("administrator") as admin, house.signed_in("anna") as anna:
        assert (await anna.get("/api/session")).status_code == 200
        assert (await admin.patch("/api/admin/users/u-anna", json={"disabled": True})).status_code == 200
        assert (await anna.get("/api/session")).status_code == 401


async def test_a_changed_role_holds_for_the_next_request(house: House) -> None:
    async with house.signed_in("administrator") as admin, house.signed_in("quality") as client:
        assert (await client.get("/api/floor")).status_code == 403
        await admin.patch("/api/admin/users/u-quality", json={"roles": ["quality", "supervisor"]})
        assert (await client.get("/api/floor")).status_code == 200


async def test_administrators_cannot_lock_themselves_out(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        for change in ({"disabled": True}, {"roles": ["agent"]}):
            answer = await admin.patch("/api/admin/users/u-administrator", json=change)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "own_account")


async def test_an_administrator_signs_a_user_out_and_sets_a_new_password(house: House) -> None:
    async with house.signed_in("administrator") as admin, house.signed_in("anna") as anna:
        await admin.delete("/api/admin/users/u-anna/sessions")
        assert (await anna.get("/api/session")).status_code == 401
        await admin.patch("/api/admin/users/u-anna", json={"password": "a brand new password"})
        await sign_in(anna, "anna", "a brand new password")


async def test_an_agents_skills_and_queues_are_replaced_and_the_rooms_are_told(house: House) -> None:
    async with house.signed_in("administrator") as admin, await house.bus.subscribe("config") as config:
        await admin.post("/api/admin/skills", json={"id": "roaming", "name": "Roaming"})
        assert (await _told(config)) == {"what": "agents", "id": "roaming"}
        changed = await admin.patch(
            "/api/admin/agents/a-anna",
            json={"skills": [{"skill_id": "roaming", "level": 4}, {"skill_id": "italian", "level": 9}]},
        )
        assert changed.status_code == 200, changed.text
        assert await _told(config) == {"what": "agents", "id": "a-anna"}
    async with house.database.reading() as session:
        agent = await session.get_one(Agent, "a-anna")
        assert {skill.skill_id: skill.level for skill in agent.skills} == {"roaming": 4, "italian": 9}
        assert [entry.queue_id for entry in agent.queues] == ["q-care"], "what was not sent stays"


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"skills": [{"skill_id": "italian", "level": 11}]}, 422, "level"),
        ({"skills": [{"skill_id": "flying", "level": 1}]}, 422, "flying"),
        ({"skills": [{"skill_id": "italian", "level": 1}, {"skill_id": "italian", "level": 2}]}, 422, "twice"),
        ({"queue_ids": ["q-none"]}, 422, "q-none"),
        ({"extension": "2002"}, 409, "2002"),
        ({"extension": "20;01"}, 422, "extension"),
        ({"name": None}, 422, "name"),
        ({"team_id": "t-none"}, 422, "t-none"),
    ],
)
async def test_a_faulty_agent_is_refused_and_nothing_is_changed_or_told(
    house: House, change: dict[str, Any], status: int, word: str
) -> None:
    async with house.signed_in("administrator") as admin, await house.bus.subscribe("config") as config:
        before = (await admin.get("/api/admin/agents")).json()
        answer = await admin.patch("/api/admin/agents/a-anna", json={"extension": "2009", **change})
        assert answer.status_code == status, answer.text
        assert word in answer.json()["error"]["what"]
        assert (await admin.get("/api/admin/agents")).json() == before
        await house.bus.publish("config", {"what": "nothing", "id": ""})
        assert (await _told(config))["what"] == "nothing"


async def test_a_new_agent_gets_a_phone_secret_that_no_list_tells(house: House) -> None:
    new = {"id": "a-carla", "name": "Carla", "extension": "2003", "phone_kind": "sip", "queue_ids": ["q-care"]}
    async with house.signed_in("administrator") as admin:
        assert (await admin.post("/api/admin/agents", json=new)).status_code == 201
        assert (await admin.post("/api/admin/agents", json=new)).status_code == 409
        listed = await admin.get("/api/admin/agents")
        phone = (await admin.get("/api/admin/agents/a-carla/phone")).json()
        browser = await admin.get("/api/admin/agents/a-anna/phone")
        await admin.patch("/api/admin/agents/a-carla", json={"new_secret": True})
        renewed = (await admin.get("/api/admin/agents/a-carla/phone")).json()
    assert len(phone["secret"]) >= 30
    assert phone["secret"] not in listed.text
    assert renewed["secret"] != phone["secret"]
    assert browser.status_code == 409


async def test_a_queues_targets_and_plan_change_live(house: House) -> None:
    plan = {"ring_timeout": 20, "plan": {"steps": [{"require": "italian>=5"}]}}
    async with house.signed_in("administrator") as admin, await house.bus.subscribe("config") as config:
        answer = await admin.patch("/api/admin/queues/q-care", json={"target_seconds": 30, "plan": plan})
        assert answer.status_code == 200, answer.text
        assert await _told(config) == {"what": "queues", "id": "q-care"}
    async with house.database.reading() as session:
        queue = await session.get_one(Queue, "q-care")
    assert (queue.target_seconds, queue.plan, queue.name) == (30, plan, "Care")


@pytest.mark.parametrize(
    "plan",
    [
        {"ring_timeout": "soon"},
        {"plan": {"steps": [{"require": "italian>="}]}},
        {"unknown_word": 1},
        {"announcements": {"every": -5}},
        {"queue_id": "q-care"},
        {"plan": {"steps": [{"require": "itallian>=5"}]}},
        {"plan": {"steps": [{"require": ""}, {"after": 5, "overflow": {"kind": "queue", "target": "q-none"}}]}},
        {"max_waiting": 5, "on_full": {"kind": "announcement", "target": "unheard_of"}},
    ],
)
async def test_a_faulty_plan_is_refused_with_its_place_named(house: House, plan: dict[str, Any]) -> None:
    async with house.signed_in("administrator") as admin:
        answer = await admin.patch("/api/admin/queues/q-care", json={"plan": plan})
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert "q-care" in error["what"]
    assert error["remedy"]


async def test_a_plan_may_have_said_what_the_system_knows_or_people_recorded(house: House) -> None:
    prompts = house.app.state.deps.settings.prompts / "it"
    prompts.mkdir(parents=True)
    (prompts / "snowed_in.wav").touch()
    async with house.signed_in("administrator") as admin:
        for name in ("goodbye", "snowed_in"):
            plan = {"max_waiting": 5, "on_full": {"kind": "announcement", "target": name}}
            answer = await admin.patch("/api/admin/queues/q-care", json={"plan": plan})
            assert answer.status_code == 200, answer.text


async def test_programmes_and_queues_are_made_and_must_refer_to_what_exists(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        programme = {"id": "p-luce", "name": "Luce", "time_zone": "Europe/Rome"}
        assert (await admin.post("/api/admin/programmes", json=programme)).status_code == 201
        wrong_zone = await admin.patch("/api/admin/programmes/p-luce", json={"time_zone": "Mars/Olympus"})
        assert "Mars/Olympus" in wrong_zone.json()["error"]["what"]
        queue = {"id": "q-luce", "programme_id": "p-luce", "name": "Bills"}
        assert (await admin.post("/api/admin/queues", json=queue)).status_code == 201
        orphan = await admin.post("/api/admin/queues", json={**queue, "id": "q-x", "programme_id": "p-none"})
        assert "p-none" in orphan.json()["error"]["what"]
        missing = await admin.patch("/api/admin/queues/q-gone", json={"name": "Gone"})
        assert missing.status_code == 404


async def test_a_good_flow_is_stored_and_a_number_runs_it(house: House) -> None:
    async with house.signed_in("administrator") as admin, await house.bus.subscribe("config") as config:
        made = await admin.post("/api/admin/flows", json={"id": "f-care", "name": "Care", "yaml": GOOD_FLOW})
        assert made.status_code == 201, made.text
        assert (await _told(config))["what"] == "flows"
        number = {"did": "+390612345", "programme_id": "p-aura", "flow_id": "f-care"}
        assert (await admin.post("/api/admin/numbers", json=number)).status_code == 201
        assert (await _told(config))["what"] == "numbers"
        wrong = await admin.patch("/api/admin/numbers/+390612345", json={"flow_id": "f-none"})
        assert "f-none" in wrong.json()["error"]["what"]
        assert (await admin.get("/api/admin/numbers")).json()["items"] == [number]
        assert (await admin.delete("/api/admin/numbers/+390612345")).status_code == 200
        assert (await admin.get("/api/admin/numbers")).json()["items"] == []


async def test_a_number_may_run_a_flow_that_is_a_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "from-file.yaml").write_text(GOOD_FLOW)
    (tmp_path / "secret.yaml").write_text(GOOD_FLOW)
    async with house.signed_in("administrator") as admin:
        number = {"did": "+390612345", "programme_id": "p-aura", "flow_id": "from-file"}
        assert (await admin.post("/api/admin/numbers", json=number)).status_code == 201
        wrong = await admin.patch("/api/admin/numbers/+390612345", json={"flow_id": "../secret"})
        assert wrong.status_code == 422


async def test_a_faulty_flow_is_refused_with_step_and_remedy_and_the_old_one_stays(house: House) -> None:
    faulty = GOOD_FLOW.replace("q-care", "q-gone")
    async with house.signed_in("administrator") as admin:
        await admin.post("/api/admin/flows", json={"id": "f-care", "name": "Care", "yaml": GOOD_FLOW})
        checked = (await admin.post("/api/admin/flows/f-care/check", json={"yaml": faulty})).json()
        refused = await admin.patch("/api/admin/flows/f-care", json={"version": 1, "yaml": faulty})
    assert checked["valid"] is False
    assert "q-gone" in checked["problems"][0]
    assert refused.status_code == 422
    assert "step 'care'" in refused.json()["error"]["what"]
    async with house.database.reading() as session:
        row = await session.get_one(FlowRow, "f-care")
    assert (row.yaml, row.version) == (GOOD_FLOW, 1)


async def test_a_prompt_that_nobody_wrote_is_found_before_a_caller_would_hear_nothing(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        silent = {"yaml": GOOD_FLOW.replace("prompt: greeting", "prompt: jingle")}
        verdict = (await admin.post("/api/admin/flows/f-care/check", json=silent)).json()
    assert verdict["valid"] is False
    assert "jingle" in verdict["problems"][0]


async def test_two_administrators_do_not_overwrite_each_others_flow(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        await admin.post("/api/admin/flows", json={"id": "f-care", "name": "Care", "yaml": GOOD_FLOW})
        first = await admin.patch("/api/admin/flows/f-care", json={"version": 1, "name": "Care one"})
        second = await admin.patch("/api/admin/flows/f-care", json={"version": 1, "name": "Care two"})
    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert (second.status_code, second.json()["error"]["values"]["version"]) == (409, 2)


@pytest.mark.parametrize("how", ["disabled", "password", "sessions", "everywhere"])
async def test_whoever_is_signed_out_everywhere_cannot_go_on_with_the_phones_old_secret(house: House, how: str) -> None:
    async with house.signed_in("anna") as anna, house.signed_in("administrator") as admin:
        old = (await anna.get("/api/phone")).json()["password"]
        async with await house.bus.subscribe("config") as told:
            if how == "everywhere":
                answer = await anna.delete("/api/session", params={"everywhere": True})
            elif how == "sessions":
                answer = await admin.delete("/api/admin/users/u-anna/sessions")
            else:
                change = {"disabled": True} if how == "disabled" else {"password": "quite another one"}
                answer = await admin.patch("/api/admin/users/u-anna", json=change)
            assert answer.status_code == 200, answer.text
            async with asyncio.timeout(5):
                while (await told.next())[1] != {"what": "agents", "id": "a-anna"}:
                    pass
    async with house.database.reading() as session:
        assert (await session.get_one(Agent, "a-anna")).phone_secret != old


async def test_a_desk_phone_keeps_the_secret_that_was_typed_in_there(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        await admin.patch("/api/admin/agents/a-anna", json={"phone_kind": "sip"})
        old = (await admin.get("/api/admin/agents/a-anna/phone")).json()
        await admin.delete("/api/admin/users/u-anna/sessions")
        assert (await admin.get("/api/admin/agents/a-anna/phone")).json() == old


async def test_what_routing_knows_of_an_agent_is_edited_whole_and_live(house: House) -> None:
    routing = {"languages": ["en"], "segments": ["vip"], "channels": ["voice"], "attributes": {"site": "rome"}}
    changes = await house.bus.subscribe("config")
    async with house.signed_in("administrator") as admin:
        answer = await admin.patch("/api/admin/agents/a-anna", json={"routing": routing})
        again = await admin.patch("/api/admin/agents/a-anna", json={"routing": {"languages": ["it"]}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["routing"]["segments"] == ["vip"]
    assert (again.json()["routing"]["languages"], again.json()["routing"]["segments"]) == (["it"], [])
    assert await _told(changes) == {"what": "agents", "id": "a-anna"}


@pytest.mark.parametrize(
    ("routing", "said"),
    [
        ({"channels": ["pigeon"]}, "pigeon"),
        ({"programmes": ["p-none"]}, "p-none"),
        ({"capacity": 0}, "capacity"),
        ({"languages": ["italian"]}, "languages"),
        ({"langauges": ["it"]}, "langauges"),
    ],
)
async def test_a_faulty_profile_of_an_agent_is_refused_with_the_place_named(
    house: House, routing: dict[str, Any], said: str
) -> None:
    async with house.signed_in("administrator") as admin:
        answer = await admin.patch("/api/admin/agents/a-anna", json={"routing": routing})
    assert answer.status_code == 422
    assert said in answer.json()["error"]["what"]


async def test_priorities_and_overflow_of_a_programme_are_edited(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        programme = (await admin.get("/api/admin/programmes")).json()["items"][0]["id"]
        routing = {"priority": 2, "segment_priority": {"vip": 5}, "overflow_queue": "q-care"}
        answer = await admin.patch(f"/api/admin/programmes/{programme}", json={"routing": routing})
        wrong = await admin.patch(f"/api/admin/programmes/{programme}", json={"routing": {"overflow_queue": "q-no"}})
    assert answer.json()["routing"] == routing
    assert wrong.status_code == 422
    assert "q-no" in wrong.json()["error"]["what"]


async def test_the_rules_of_routing_are_read_and_replaced(house: House) -> None:
    async with house.signed_in("administrator") as admin:
        before = (await admin.get("/api/admin/routing")).json()
        answer = await admin.put("/api/admin/routing", json={"refusals": {"rona_limit": 1}, "fallback_queue": "q-care"})
        after = (await admin.get("/api/admin/routing")).json()
        wrong = await admin.put("/api/admin/routing", json={"fallback_queue": "q-no"})
        endless = await admin.put("/api/admin/routing", json={"recheck": 0})
    assert (before["seconds_per_priority"], before["refusals"]["rona_limit"]) == (30.0, 3)
    assert answer.json() == after
    assert (after["refusals"]["rona_limit"], after["fallback_queue"]) == (1, "q-care")
    assert (wrong.status_code, endless.status_code) == (422, 422)
