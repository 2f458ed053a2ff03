"""Which desks are read again when somebody changes a ticket or customer."""

from typing import Any

import pytest

from acd.desks import DeskCall
from acd.ports import CallFacts
from onecall.house import concerns


def _call(*customers: str) -> DeskCall:
    facts = CallFacts(
        interaction_id="i-1",
        arrived=0.0,
        did="",
        number=None,
        programme_id="p",
        queue_id="q",
        skills="",
        priority=0,
        queued_at=0.0,
        customer_ids=(),
        language="it",
        preferred_agent_id=None,
        path="",
    )
    pop = {"customers": [{"id": customer} for customer in customers]}
    return DeskCall(facts, 1, "talking", 0.0, None, pop=pop, ticket_id="t-1")


@pytest.mark.parametrize(
    ("change", "read_again"),
    [
        ({"ticket_id": "t-1"}, True),
        ({"ticket_id": "t-2"}, False),
        ({"ticket_id": "t-2", "interaction_id": "i-1"}, True),
        ({"ticket_id": "t-2", "interaction_id": "i-2"}, False),
        ({"ticket_id": None, "customer_id": "c-1"}, True),
        ({"ticket_id": None, "customer_id": "c-2"}, False),
        ({"ticket_id": None, "customer_id": "c-2", "interaction_id": "i-1"}, True),
    ],
)
def test_a_desk_is_read_again_for_its_call_its_ticket_and_its_customer(
    change: dict[str, Any], read_again: bool
) -> None:
    assert concerns(change, _call("c-1")) is read_again


def test_a_desk_whose_caller_nobody_knows_may_learn_it_from_any_customer() -> None:
    assert concerns({"ticket_id": None, "customer_id": "c-2"}, _call())


def test_after_a_gap_in_what_was_heard_every_desk_in_call_is_read_again() -> None:
    assert concerns({}, _call("c-1"))
