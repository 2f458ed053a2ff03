"""The flows of the demo company are right, and so are their calendars."""

from pathlib import Path

import pytest

import ivr
from ivr.flow_check import Known, read_calendar, read_flow
from tests.unit.ivr.house import TEXTS

DEMO = Path(ivr.__file__).parent / "demo"
CALENDARS = {path.stem: path for path in (DEMO / "calendars").glob("*.yaml")}


@pytest.mark.parametrize("path", sorted(DEMO.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_demo_flow_passes_all_checks(path: Path) -> None:
    known = Known(frozenset({"q-care", "q-port", "q-tech", "q-bills"}), TEXTS.plain, CALENDARS)
    assert read_flow(path.read_text(encoding="utf-8"), path.name, known).flow == path.stem


@pytest.mark.parametrize("path", sorted(CALENDARS.values()), ids=lambda path: path.stem)
def test_every_demo_calendar_is_right(path: Path) -> None:
    assert read_calendar(path.read_text(encoding="utf-8"), path.name).at(1_800_000_000.0) in (
        "open",
        "closed",
        "holiday",
    )
