"""Table, JSON and page say the same, and the page stands alone."""

import json
import re
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from acd.simulator.cli import run
from tests.unit.simulator.test_scenario import PLAIN


@pytest.fixture
def file(tmp_path: Path) -> Path:
    data = deepcopy(PLAIN) | {"hours": 3, "name": "As <it> is"}
    data["what_if"] = {"name": "Two more", "changes": {"agents": {"all": {"agents": 7}}}}
    path = tmp_path / "day.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        self.pictures += tag == "svg"
        if tag not in ("meta", "line", "polygon", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_table_the_json_and_the_page_come_from_one_run(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, page = file.with_suffix(".json"), file.with_suffix(".html")

    assert run(file, json=out, html=page, jobs=1) == 0

    data = json.loads(out.read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    level = f"{100 * data['total']['service_level']['mean']:.1f} %"
    assert level in printed
    assert level in page.read_text(encoding="utf-8")
    assert len(data["intervals"]) == 6
    assert data["intervals"][0]["start"] == "2026-11-23T08:00:00+01:00"
    assert data["total"]["offered"]["runs"] == 2
    assert sum(one["total"]["offered"]["mean"] for one in data["intervals"]) == data["total"]["offered"]["mean"]
    assert data["difference"]["total"]["asa"]["mean"] < 0
    assert "occupancy" not in data["intervals"][0]["queues"]["care"]


def test_the_page_fetches_nothing_and_is_well_formed(file: Path) -> None:
    page = file.with_suffix(".html")
    run(file, html=page, jobs=1)
    text = page.read_text(encoding="utf-8")

    parser = _Page()
    parser.feed(text)

    assert parser.open == []
    assert parser.sources == []
    assert parser.pictures >= 10
    assert not re.search(r"https?://|url\(|@import", text)
    assert "As &lt;it&gt; is" in text
    assert "<it>" not in text


def test_more_seeds_can_be_asked_for_and_none_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.with_suffix(".json")

    assert run(file, seeds=3, json=out, jobs=2) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["seeds"] == [1, 2, 3]
    assert run(file, seeds=0) == 2
    assert "--seeds" in capsys.readouterr().err


def test_several_processes_give_the_same_figures_as_one(file: Path) -> None:
    one, two = file.with_suffix(".1.json"), file.with_suffix(".2.json")
    run(file, json=one, jobs=1)
    run(file, json=two, jobs=2)

    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (one, two))
    for data in (first, second, first["against"], second["against"]):
        data.pop("processor_seconds_per_run")
    assert first == second


def test_a_second_file_is_compared_under_the_same_chance(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, compare=file, jobs=1) == 0

    assert "+0.0 ±0.0 points" in capsys.readouterr().out


def test_a_bad_file_ends_with_one_sentence_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none.yaml") == 2

    said = capsys.readouterr().err
    assert "none.yaml cannot be read" in said
    assert "Traceback" not in said


def test_a_place_that_cannot_be_written_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, json=file.parent / "no" / "such" / "folder.json", jobs=1) == 2
    assert "cannot be written" in capsys.readouterr().err
