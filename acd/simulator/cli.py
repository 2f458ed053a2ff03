"""`onecall simulate`: read a scenario, run it, print the table, write JSON and page."""

import json as json_form
import os
import sys
from dataclasses import replace
from pathlib import Path

from acd.simulator.loading import Scenario, load
from acd.simulator.page import as_page
from acd.simulator.report import as_data, as_table, comparison_data, comparison_table
from acd.simulator.study import Study, study
from core.errors import Invalid, OneCallError


def run(
    path: Path,
    *,
    seeds: int | None = None,
    json: Path | None = None,
    html: Path | None = None,
    compare: Path | None = None,
    jobs: int | None = None,
) -> int:
    """Simulate the scenario in `path`; 0 when done, 2 when it cannot be used (said on standard error).

    `compare` names a second scenario for a comparison under the same chance, in place of the file's own `what_if`.
    `jobs`: so many processes (default: one per processor).
    """
    try:
        scenario = _with_seeds(load(path), seeds)
        against = scenario.against
        if compare is not None:
            against = load(compare)
        if against is not None:
            against = replace(against, confidence=scenario.confidence)
        found = _study(scenario, scenario.seeds, jobs)
        other = _study(against, scenario.seeds, jobs) if against is not None else None
        _tell(scenario, found, against, other)
        if json is not None:
            _write(json, _json(scenario, found, against, other))
        if html is not None:
            side = (against, other) if against is not None and other is not None else None
            _write(html, as_page(scenario, found, side))
    except OneCallError as error:
        sys.stderr.write(f"{error.what}\n{error.remedy}\n")
        return 2
    return 0


def _with_seeds(scenario: Scenario, seeds: int | None) -> Scenario:
    if seeds is None:
        return scenario
    if seeds < 1:
        raise Invalid(f"{seeds} runs show nothing.", "Give --seeds 1 or more; 10 give usable intervals.")
    return replace(scenario, seeds=tuple(range(scenario.seeds[0], scenario.seeds[0] + seeds)))


def _study(scenario: Scenario, seeds: tuple[int, ...], jobs: int | None) -> Study:
    return study(
        scenario.setup, seeds, confidence=scenario.confidence, jobs=jobs if jobs is not None else os.cpu_count() or 1
    )


def _tell(scenario: Scenario, found: Study, against: Scenario | None, other: Study | None) -> None:
    parts = [as_table(scenario, found)]
    if against is not None and other is not None:
        parts += [as_table(against, other), comparison_table(scenario, against, found, other)]
    sys.stdout.write("\n\n".join(parts) + "\n")


def _json(scenario: Scenario, found: Study, against: Scenario | None, other: Study | None) -> str:
    data = as_data(scenario, found)
    if against is not None and other is not None:
        data["against"] = as_data(against, other)
        data["difference"] = comparison_data(found, other)
    return json_form.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid(
            f"{path} cannot be written: {error.strerror}.", "Name a file in a folder you may write."
        ) from error
