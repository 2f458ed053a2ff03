"""No text that the API accepts is longer than the column that it goes into: PostgreSQL would refuse it."""

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import String

from acd import model as acd
from api import model as api
from api.schemas import admin, customers, tickets
from api.schemas.common import Given
from core.db import Base
from ivr import model as ivr
from tickets import model

STORED: tuple[tuple[type[Given], type[Base]], ...] = (
    (customers.CustomerGiven, model.Customer),
    (customers.CustomerChange, model.Customer),
    (customers.CustomerNumberGiven, model.CustomerNumber),
    (tickets.TicketChange, model.Ticket),
    (tickets.SplitGiven, model.Ticket),
    (tickets.NoteGiven, model.TicketNote),
    (tickets.PromiseGiven, model.Promise),
    (tickets.OutcomeGiven, model.OutcomeSave),
    (tickets.DispositionGiven, model.Interaction),
    (admin.UserGiven, api.User),
    (admin.UserChange, api.User),
    (admin.AgentGiven, acd.Agent),
    (admin.AgentChange, acd.Agent),
    (admin.SkillGiven, acd.Skill),
    (admin.QueueGiven, acd.Queue),
    (admin.QueueChange, acd.Queue),
    (admin.ProgrammeGiven, acd.Programme),
    (admin.ProgrammeChange, acd.Programme),
    (admin.NumberGiven, ivr.DialledNumber),
    (admin.FlowGiven, ivr.FlowRow),
    (admin.FlowChange, ivr.FlowRow),
)
LOOKED_UP = {"programme_id", "flow_id", "team_id", "agent_id", "number"}
"""Refused by name when they do not exist, or read as a phone number, before anything is stored."""
FIELDS = [
    pytest.param(schema, name, column.type.length, id=f"{schema.__name__}.{name}")
    for schema, table in STORED
    for name in schema.model_fields
    if name not in LOOKED_UP
    if (column := table.__table__.columns.get(name)) is not None
    if isinstance(column.type, String) and column.type.length is not None
]


@pytest.mark.parametrize(("schema", "name", "length"), FIELDS)
def test_a_text_longer_than_its_column_is_refused(schema: type[Given], name: str, length: int) -> None:
    field = TypeAdapter(schema.model_fields[name].rebuild_annotation())
    for letter in "ax1":
        with pytest.raises(ValidationError):
            field.validate_python(letter * (length + 1))


@pytest.mark.parametrize(("schema", "name"), [(customers.CustomerGiven, "name"), (admin.QueueGiven, "name")])
def test_a_text_as_long_as_its_column_is_accepted(schema: type[Given], name: str) -> None:
    length = {customers.CustomerGiven: 200, admin.QueueGiven: 80}[schema]
    assert TypeAdapter(schema.model_fields[name].rebuild_annotation()).validate_python("a" * length)
