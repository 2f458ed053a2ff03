"""Customers, their numbers, and their story."""

from pydantic import Field

from api.schemas.common import City, Code, Given, Id, Language, Line, Prose, Told
from api.schemas.pop import Contact, OpenTicket, PopCustomer, Promise


class CustomerNumber(Told):
    """A phone number of a customer in E.164; `shared` marks a switchboard, which identifies nobody."""

    number: str
    shared: bool = False


class Customer(PopCustomer):
    """A customer with all numbers. `version` counts changes, and may come back with one."""

    version: int
    numbers: list[CustomerNumber] = []


class CustomerList(Told):
    """A page of the answer to a search, best match first. `next` is the `cursor` of the page after it, if any."""

    items: list[Customer]
    next: str | None = None


class ContactList(Told):
    """A page of contacts, newest first. `next` is the `cursor` of the page after it, if any."""

    items: list[Contact]
    next: str | None = None


class CustomerStory(Told):
    """All that is known of a customer: contacts newest first, tickets open and closed, promises.

    `contacts_next` is the `cursor` of the contacts before these, if there are any.
    """

    customer: Customer
    contacts: list[Contact] = []
    contacts_next: str | None = None
    tickets: list[OpenTicket] = []
    promises: list[Promise] = []


class CustomerNumberGiven(Given):
    """A phone number as people write it; it is stored in E.164. `region` reads numbers without a country code.

    `shared` marks the number as a switchboard's, for all who have it; absent, the mark stays as it is.
    """

    number: Line
    region: str = Field(default="IT", pattern="^[A-Z]{2}$")
    shared: bool | None = None


class CustomerGiven(Given):
    """A new customer of one programme: the one named, else that of the call `interaction_id`, else of all.

    `number` attaches the number of the present call.
    """

    name: Line
    programme_id: Id | None = None
    interaction_id: Id | None = None
    code: Code | None = None
    segment: Code | None = None
    city: City | None = None
    language: Language | None = None
    notes: Prose | None = None
    number: Line | None = None
    region: str = Field(default="IT", pattern="^[A-Z]{2}$")


class CustomerChange(Given):
    """What changes; absent fields stay. With the `version` last seen, a change made meanwhile is a conflict."""

    version: int | None = Field(default=None, ge=0)
    name: Line | None = None
    code: Code | None = None
    segment: Code | None = None
    city: City | None = None
    language: Language | None = None
    notes: Prose | None = None


class CustomerChoice(Given):
    """The customer whom the agent found to be the caller."""

    customer_id: Id


class CustomerMerge(Given):
    """The customer who stays: everything of the other one goes there."""

    into: Id
