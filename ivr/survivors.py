"""Callers whom the survival script served while no OneCall process answered: each becomes a call-back ticket."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import Invalid
from core.numbers import to_e164
from ivr.identify import read_number
from ivr.ports import CallBackRequest, CallBacks, Flows, Wish
from ivr.spool import Record, Take

_DEFAULT_REGION = "IT"


class SurvivalRecord(BaseModel):
    """What the survival script writes; `asterisk-config/agi/survival.py` is the other side of this."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
    at: float
    did: Annotated[str, Field(max_length=40)] = ""
    caller: Annotated[str, Field(max_length=80)] = ""
    presentation: Annotated[str, Field(max_length=8)] = "0"
    keyed: Annotated[str, Field(max_length=40)] = ""
    wish: Wish
    language: Annotated[str, Field(pattern=r"^(it|en)$")] = "it"
    interaction_id: Annotated[str, Field(max_length=64)] = ""


def take_survivor(call_backs: CallBacks, flows: Flows) -> Take:
    """The taker of the survival spool."""

    async def take(record: Record) -> None:
        try:
            survivor = SurvivalRecord.model_validate(record)
        except ValidationError as error:
            raise Invalid(f"Not a survival record: {error}", "See the file.") from None
        plan = await flows.for_number(survivor.did) if survivor.did else None
        region = plan.region if plan else _DEFAULT_REGION
        await call_backs.request(
            CallBackRequest(
                id=f"survival-{survivor.id}",
                at=survivor.at,
                number=_number(survivor, region),
                did=survivor.did,
                programme_id=plan.programme_id if plan else None,
                interaction_id=survivor.interaction_id or None,
                language=survivor.language,
                wish=survivor.wish,
                source="survival",
            )
        )

    return take


def _number(survivor: SurvivalRecord, region: str) -> str | None:
    """The number keyed if it can be one; when half keyed, the one shown is surer; at worst the keys as they are."""
    shown = read_number(survivor.caller, region, survivor.presentation).e164
    keyed = to_e164(survivor.keyed, region) if survivor.keyed else None
    if survivor.wish == "asked":
        return keyed or shown or survivor.keyed or None
    return shown or keyed or survivor.keyed or None
