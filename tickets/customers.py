"""Customers: found by number or by name, made, changed, and given numbers."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.numbers import to_e164
from tickets import history, paging
from tickets.catalogue import topic_names
from tickets.contacts import contact_page
from tickets.hearing import DEAF, Ears
from tickets.identity import Identification, identification_of
from tickets.model import Customer, CustomerNumber, Promise, Ticket
from tickets.sql import insert_if_absent
from tickets.unit import Unit
from tickets.views import CustomerCardView, CustomerListView, StoryView, customer_view, open_ticket_view, promise_view

CHANGEABLE = frozenset({"name", "code", "segment", "city", "language", "since", "notes"})
_FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """What a number tells: the customers it may be (by name) and how sure that is."""

    identification: Identification
    customers: tuple[Customer, ...]

    @property
    def certain(self) -> Customer | None:
        """The customer, when the number names exactly one."""
        return self.customers[0] if self.identification == "one" else None


def folded(text: str) -> str:
    """Text without case, accents and doubled spaces: the form that is searched."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def e164(number: str, region: str) -> str:
    """A number as people write it, in E.164. Raises Invalid when it cannot be one."""
    found = to_e164(number, region)
    if found is None:
        raise Invalid(
            f"{number!r} is not a phone number.",
            "Write it with its country code, for example +39 347 555 0142.",
            code="number_wrong",
            values={"number": number},
        )
    return found


async def by_number(session: AsyncSession, number: str | None, programme_id: str) -> Found:
    """Who that number (E.164, None when withheld) may be, among the programme's customers."""
    if not number:
        return Found("withheld", ())
    rows = (
        await session.execute(
            select(Customer, CustomerNumber.shared)
            .join(CustomerNumber, CustomerNumber.customer_id == Customer.id)
            .where(CustomerNumber.number == number, _of_programme(programme_id), Customer.merged_into.is_(None))
            .order_by(Customer.name, Customer.id)
        )
    ).all()
    customers = tuple(row[0] for row in rows)
    shared = any(row[1] for row in rows)
    return Found(identification_of(number, [customer.id for customer in customers], shared=shared), customers)


async def by_ids(session: AsyncSession, ids: Sequence[str], number: str | None, programme_id: str) -> Found:
    """Who the IVR said it may be (survivors for merged customers); the number still tells whether it is shared."""
    customers = [await survivor(session, customer_id) for customer_id in ids]
    known = {customer.id: customer for customer in customers if customer is not None}
    at_number = await by_number(session, number, programme_id)
    if not known:
        return at_number
    shared = at_number.identification == "shared" and set(known) <= {one.id for one in at_number.customers}
    # A keyed customer code identifies also a caller who hides the number.
    kind = identification_of(number or "keyed", list(known), shared=shared)
    return Found(kind, tuple(sorted(known.values(), key=lambda customer: (customer.name, customer.id))))


async def by_code(session: AsyncSession, code: str, programme_id: str) -> Customer | None:
    """The customer with that code (case does not matter)."""
    wanted = code.strip().upper()
    customer = await session.scalar(select(Customer).where(Customer.code == wanted, _of_programme(programme_id)))
    return await survivor(session, customer.id) if customer else None


async def survivor(session: AsyncSession, customer_id: str) -> Customer | None:
    """The customer, or the one it was merged into; None when there is none."""
    customer = await session.get(Customer, customer_id)
    while customer is not None and customer.merged_into is not None:
        customer = await session.get(Customer, customer.merged_into)
    return customer


async def require(session: AsyncSession, customer_id: str) -> Customer:
    """The customer or its survivor; NotFound when there is none."""
    customer = await survivor(session, customer_id)
    if customer is None:
        raise NotFound(f"The customer {customer_id!r} does not exist.", "Search for the customer by name or number.")
    return customer


async def search(
    session: AsyncSession, text: str, programme_id: str | None = None, limit: int = 20, after: str | None = None
) -> CustomerListView:
    """Customers whose name, code or number contains the text, those that begin with it first; without a text all.

    `after`: the `next` of the page before. Raises Invalid.
    """
    wanted = folded(text)
    query = select(Customer).where(Customer.merged_into.is_(None), _matches(wanted) if wanted else true())
    if programme_id is not None:
        query = query.where(_of_programme(programme_id))
    beginning = case((Customer.name_folded.startswith(wanted, autoescape=True), 0), else_=1)
    order = beginning, Customer.name_folded, Customer.id
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*paging.place(after, (float, str, str))))
    found, last = paging.split(list(await session.scalars(query.order_by(*order).limit(limit + 1))), limit)
    key = (0 if last.name_folded.startswith(wanted) else 1, last.name_folded, last.id) if last is not None else None
    return {"items": await _cards(session, found), "next": paging.cursor(key) if key is not None else None}


def _matches(wanted: str) -> ColumnElement[bool]:
    digits = "".join(letter for letter in wanted if letter.isdigit())
    conditions = [
        Customer.name_folded.contains(wanted, autoescape=True),
        Customer.code.startswith(wanted.upper(), autoescape=True),
    ]
    if len(digits) >= _FEWEST_DIGITS:
        owners = select(CustomerNumber.customer_id).where(CustomerNumber.number.contains(digits))
        conditions.append(Customer.id.in_(owners))
    return or_(*conditions)


def _of_programme(programme_id: str) -> ColumnElement[bool]:
    return or_(Customer.programme_id == programme_id, Customer.programme_id.is_(None))


async def card(session: AsyncSession, customer_id: str) -> CustomerCardView:
    """A customer with numbers. Raises NotFound."""
    return (await _cards(session, [await require(session, customer_id)]))[0]


async def _cards(session: AsyncSession, customers: Sequence[Customer]) -> list[CustomerCardView]:
    rows = await session.scalars(
        select(CustomerNumber)
        .where(CustomerNumber.customer_id.in_([customer.id for customer in customers]))
        .order_by(CustomerNumber.number)
    )
    numbers: dict[str, list[CustomerNumber]] = {}
    for row in rows:
        numbers.setdefault(row.customer_id, []).append(row)
    return [
        {
            **customer_view(customer),
            "version": customer.version,
            "numbers": [{"number": row.number, "shared": row.shared} for row in numbers.get(customer.id, [])],
        }
        for customer in customers
    ]


async def story(session: AsyncSession, customer_id: str, language: str = "it", ears: Ears = DEAF) -> StoryView:
    """All that is known of a customer: contacts newest first, tickets, promises. Raises NotFound."""
    customer = await require(session, customer_id)
    tickets = list(
        await session.scalars(
            select(Ticket)
            .where(Ticket.customer_id == customer.id, Ticket.status.not_in(("dropped", "merged")))
            .order_by(Ticket.opened_at.desc())
            .limit(100)
        )
    )
    promises = await session.scalars(
        select(Promise).where(Promise.customer_id == customer.id).order_by(Promise.made_at.desc()).limit(100)
    )
    topics = await topic_names(session, (ticket.topic_id for ticket in tickets), language)
    contacts = await contact_page(session, customer.id, language, ears=ears)
    return {
        "customer": await card(session, customer.id),
        "contacts": contacts["items"],
        "contacts_next": contacts["next"],
        "tickets": [open_ticket_view(ticket, topics.get(ticket.topic_id or "")) for ticket in tickets],
        "promises": [promise_view(promise) for promise in promises],
    }


async def create(
    unit: Unit,
    *,
    name: str,
    programme_id: str | None,
    code: str | None = None,
    segment: str = "consumer",
    city: str = "",
    language: str = "it",
    since: str | None = None,
    notes: str = "",
    customer_id: str | None = None,
) -> Customer:
    """Make a customer. Raises Invalid (no name, unknown programme) and Conflict when the code is another's."""
    if programme_id is not None and await unit.session.get(Programme, programme_id) is None:
        raise Invalid(
            f"The programme {programme_id!r} does not exist.",
            "Choose a programme from the list.",
            code="programme_unknown",
            values={"programme": programme_id},
        )
    new = customer_id or f"c-{new_id()}"
    wanted_code = (code or "").strip().upper() or new[-10:].upper()
    await _code_is_free(unit.session, wanted_code, programme_id, but=new)
    customer = Customer(
        id=new,
        programme_id=programme_id,
        code=wanted_code,
        name=_name(name),
        name_folded=folded(name),
        segment=segment,
        city=city,
        language=language,
        since=since,
        notes=notes,
        flags=[],
        created_at=unit.at,
    )
    unit.session.add(customer)
    await unit.session.flush()
    history.record(unit, "customer_created", customer_id=new, after={"name": customer.name, "code": wanted_code})
    unit.say("customer_created", ticket_id=None, customer_id=new, version=None)
    return customer


async def change(unit: Unit, customer_id: str, fields: Mapping[str, str], version: int | None = None) -> Customer:
    """Change some fields of a customer. Raises NotFound, Invalid, Conflict (also when changed since `version`)."""
    customer = await require(unit.session, customer_id)
    await unit.session.refresh(customer, with_for_update=True)
    if version is not None and version != customer.version:
        raise Conflict(
            f"{customer.name} was changed meanwhile: now at version {customer.version}, you have {version}.",
            "Load the customer again, then repeat your change.",
            code="version_old",
            values={"version": customer.version, "yours": version, "customer_id": customer.id},
        )
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise Invalid(
            f"Not a field of a customer: {', '.join(sorted(unknown))}.", f"Known: {', '.join(sorted(CHANGEABLE))}."
        )
    values = dict(fields)
    if "name" in values:
        values["name"] = _name(values["name"])
    if "code" in values:
        values["code"] = values["code"].strip().upper()
        await _code_is_free(unit.session, values["code"], customer.programme_id, but=customer.id)
    changed = {field: value for field, value in values.items() if getattr(customer, field) != value}
    if not changed:
        return customer
    before = {field: getattr(customer, field) for field in changed}
    for field, value in changed.items():
        setattr(customer, field, value)
    customer.name_folded = folded(customer.name)
    customer.version += 1
    history.record(unit, "customer_changed", customer_id=customer.id, before=before, after=changed)
    unit.say("customer_changed", ticket_id=None, customer_id=customer.id, version=None)
    return customer


async def attach_number(
    unit: Unit, customer_id: str, number: str, *, region: str | None = None, shared: bool | None = None
) -> str:
    """Give a customer a number, and say whether it is a switchboard's; returns it in E.164. Raises NotFound, Invalid.

    The mark belongs to the number: it is set for every customer who has it. None leaves it as it is.
    """
    customer = await require(unit.session, customer_id)
    full = e164(number, region or "IT")
    if shared is None:
        marked = select(CustomerNumber.number).where(CustomerNumber.number == full, CustomerNumber.shared)
        shared = await unit.session.scalar(marked.limit(1)) is not None
    await insert_if_absent(unit.session, CustomerNumber, {"number": full, "customer_id": customer.id, "shared": shared})
    for row in await unit.session.scalars(select(CustomerNumber).where(CustomerNumber.number == full)):
        row.shared = shared
    history.record(unit, "number_attached", customer_id=customer.id, after={"number": full, "shared": shared})
    unit.say("customer_changed", ticket_id=None, customer_id=customer.id, version=None)
    return full


def _name(name: str) -> str:
    text = " ".join(name.split())
    if not text:
        raise Invalid("A customer needs a name.", "Write the name.", code="name_missing")
    return text


async def _code_is_free(session: AsyncSession, code: str, programme_id: str | None, *, but: str) -> None:
    taken = await session.scalar(
        select(Customer.id).where(
            Customer.code == code, Customer.programme_id.is_not_distinct_from(programme_id), Customer.id != but
        )
    )
    if taken is not None:
        raise Conflict(
            f"The code {code} belongs to another customer.",
            "Open that customer, or write another code.",
            code="code_taken",
            values={"code": code, "customer_id": taken},
        )
