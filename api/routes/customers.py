"""Customers and their numbers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.access import BackOffice, FrontLine, Reader
from api.ears import ears_of
from api.routes.shared import Work, actor
from api.schemas.common import Cursor, Id, Search
from api.schemas.customers import (
    ContactList,
    Customer,
    CustomerChange,
    CustomerGiven,
    CustomerList,
    CustomerMerge,
    CustomerNumberGiven,
    CustomerStory,
)
from tickets import calls, customers, merging
from tickets.contacts import contact_page

router = APIRouter(prefix="/customers", tags=["customers"])
CustomerId = Annotated[Id, Path()]


@router.get("")
async def search_customers(
    caller: Reader,
    work: Work,
    q: Search = "",
    programme: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor | None = None,
) -> CustomerList:
    """Search by name, code or number, page by page; with `programme` only its customers and the common ones."""
    async with work.reading() as session:
        return CustomerList.model_validate(await customers.search(session, q, programme, limit, cursor))


@router.get("/{customer_id}")
async def read_customer(customer_id: CustomerId, caller: Reader, work: Work) -> CustomerStory:
    """The customer's whole story: contacts, tickets, promises."""
    async with work.reading() as session:
        ears = await ears_of(session, caller)
        return CustomerStory.model_validate(await customers.story(session, customer_id, caller.language, ears))


@router.get("/{customer_id}/contacts")
async def list_contacts(
    customer_id: CustomerId,
    caller: Reader,
    work: Work,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Cursor | None = None,
) -> ContactList:
    """The customer's contacts page by page, newest first."""
    async with work.reading() as session:
        customer = await customers.require(session, customer_id)
        ears = await ears_of(session, caller)
        page = await contact_page(session, customer.id, caller.language, limit=limit, after=cursor, ears=ears)
    return ContactList.model_validate(page)


@router.post("", status_code=201)
async def create_customer(given: CustomerGiven, caller: FrontLine, work: Work) -> Customer:
    """A new customer, with a first number if given."""
    fields = given.model_dump(exclude_none=True, exclude={"number", "region", "programme_id", "interaction_id"})
    async with work.unit(actor(caller)) as unit:
        programme_id = given.programme_id
        if programme_id is None and given.interaction_id is not None:
            programme_id = (await calls.require(unit.session, given.interaction_id)).programme_id
        customer = await customers.create(unit, programme_id=programme_id, **fields)
        if given.number is not None:
            await customers.attach_number(unit, customer.id, given.number, region=given.region)
    return await _card(work, customer.id)


@router.patch("/{customer_id}")
async def change_customer(customer_id: CustomerId, given: CustomerChange, caller: FrontLine, work: Work) -> Customer:
    """Change a customer's data. 409 when a `version` is given that is not the present one."""
    async with work.unit(actor(caller)) as unit:
        fields = given.model_dump(exclude_none=True, exclude={"version"})
        await customers.change(unit, customer_id, fields, given.version)
    return await _card(work, customer_id)


@router.post("/{customer_id}/numbers", status_code=201)
async def add_number(customer_id: CustomerId, given: CustomerNumberGiven, caller: FrontLine, work: Work) -> Customer:
    """Attach a phone number to a customer."""
    async with work.unit(actor(caller)) as unit:
        await customers.attach_number(unit, customer_id, given.number, region=given.region, shared=given.shared)
    return await _card(work, customer_id)


@router.post("/{customer_id}/merge")
async def merge_customer(customer_id: CustomerId, given: CustomerMerge, caller: BackOffice, work: Work) -> Customer:
    """Two records of one customer become one: calls, tickets, promises and numbers go to the one that stays."""
    async with work.unit(actor(caller)) as unit:
        into = await merging.merge_customers(unit, customer_id, given.into)
    return await _card(work, into.id)


async def _card(work: Work, customer_id: str) -> Customer:
    async with work.reading() as session:
        return Customer.model_validate(await customers.card(session, customer_id))
