"""Customers, their numbers, and their story."""

from pydantic import Field

from api.schemas.common import Given, Id, Language, Line, MaybeLine, Prose, Told
from api.schemas.pop import Contact, OpenTicket, PopCustomer, Promise


class CustomerNumber(Told):
    """A phone number of a customer in E.164; `shared` marks a switchboard, which identifies nobody."""

    number: str
    shared: bool = False


class Customer(PopCustomer):
    """A customer with all numbers."""

    numbers: list[CustomerNumber] = []


class CustomerList(Told):
    """Answer to a search, best match first."""

    items: list[Customer]


class CustomerStory(Told):
    """All that is known of a customer: contacts newest first, tickets open and closed, promises."""

    customer: Customer
    contacts: list[Contact] = []
    tickets: list[OpenTicket] = []
    promises: list[Promise] = []


class CustomerNumberGiven(Given):
    """A phone number as people write it; it is stored in E.164. `region` reads numbers without a country code."""

    number: Line
    region: str = Field(default="IT", pattern="^[A-Z]{2}$")
    shared: bool = False


class CustomerGiven(Given):
    """A new customer of one programme (of all when absent). `number` attaches the number of the present call."""

    name: Line
    programme_id: Id | None = None
    code: MaybeLine | None = None
    segment: MaybeLine | None = None
    city: MaybeLine | None = None
    language: Language | None = None
    notes: Prose | None = None
    number: Line | None = None
    region: str = Field(default="IT", pattern="^[A-Z]{2}$")


class CustomerChange(Given):
    """What changes; absent fields stay."""

    name: Line | None = None
    code: MaybeLine | None = None
    segment: MaybeLine | None = None
    city: MaybeLine | None = None
    language: Language | None = None
    notes: Prose | None = None


class CustomerChoice(Given):
    """The customer whom the agent found to be the caller."""

    customer_id: Id
