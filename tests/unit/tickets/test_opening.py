"""The first sentence that the desk proposes."""

from zoneinfo import ZoneInfo

from core.clock import from_iso
from tickets.opening import Before, Scene, opening

ROME = ZoneInfo("Europe/Rome")
MONDAY_NOON = from_iso("2026-11-23T11:00:00Z")


def _scene(at: float = MONDAY_NOON, customer: str | None = "Chiara Ferrero", **more: object) -> Scene:
    return Scene(at, ROME, "Aura Mobile", customer, **more)  # type: ignore[arg-type]


def test_a_stranger_is_asked_for_the_name() -> None:
    said = opening(_scene(customer=None))
    assert said == {
        "it": "Buongiorno, Aura Mobile. Con chi parlo?",
        "en": "Good afternoon, Aura Mobile. Who am I speaking with?",
    }


def test_a_known_customer_is_greeted_by_name_and_the_hour() -> None:
    assert opening(_scene(from_iso("2026-11-23T17:30:00Z")))["it"].startswith("Buonasera Chiara Ferrero")
    assert opening(_scene(from_iso("2026-11-23T08:30:00Z")))["en"].startswith("Good morning Chiara Ferrero")


def test_one_open_ticket_is_named() -> None:
    assert "«Roaming»" in opening(_scene(open_title="Roaming"))["it"]


def test_a_recall_says_when_with_whom_and_about_what() -> None:
    before = Before(from_iso("2026-11-21T15:42:00Z"), "Marco De Santis", "Portabilità", "Portability")
    said = opening(_scene(before=before))
    assert said["it"] == (
        "Buongiorno Chiara Ferrero, vedo che ci ha chiamato sabato alle 16:42 e ha parlato con Marco De Santis "
        "per «Portabilità». È ancora per questo?"
    )
    assert said["en"] == (
        "Good afternoon Chiara Ferrero, I see that you called us on Saturday at 16:42 and spoke with Marco De Santis "
        "about “Portability”. Is it still about this?"
    )


def test_yesterday_is_the_day_before_on_the_wall_not_24_hours_ago() -> None:
    late_evening = Before(from_iso("2026-11-22T22:50:00Z"), None, None, None)
    assert "ieri alle 23:50" in opening(_scene(from_iso("2026-11-23T07:00:00Z"), before=late_evening))["it"]
    this_morning = Before(from_iso("2026-11-23T07:00:00Z"), None, None, None)
    assert "today at 08:00" in opening(_scene(before=this_morning))["en"]


def test_a_broken_promise_is_apologised_for_and_an_open_one_looked_up() -> None:
    broken = Before(MONDAY_NOON - 3600, None, None, None, "broken")
    assert "mi scusi" in opening(_scene(before=broken))["it"]
    open_one = Before(MONDAY_NOON - 3600, None, None, None, "open")
    assert "where our promise stands" in opening(_scene(before=open_one))["en"]
