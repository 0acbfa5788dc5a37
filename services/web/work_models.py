"""Models of what is still to be done: what waits, what was refused, what has reserved a document.

Invariant: a model says what the desk spells, field by field (a live test compares answers with their models).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from services.desk.refusal_states import RefusalState
from services.web.book_models import CompanyDocument, EventRefModel, PartyModel


def in_one_line(key: Mapping[str, str]) -> str:
    """What is missing, as the filter `key` of `/v1/waiting` has it: the values in the order of their names."""
    return " ".join(str(key[name]) for name in sorted(key))


class WaitModel(BaseModel):
    """Something that waits."""

    event: EventRefModel = Field(description="The event.")
    what: str = Field(description="What waits: document, run, reversal, …")
    reason: str = Field(alias="for", description="For what kind of thing it waits.")
    key: dict[str, str] = Field(description="Which one; of what is of companies out of scope only the companies.")
    reads_like: list[str] = Field(default=[], description="Documents that are there and whose numbers read like the missing one.")
    since: str = Field(description="Since when.")
    service: str = Field(description="Which service keeps it.")


class ReservedByModel(BaseModel):
    """What has reserved a document: nothing else settles it until that has gone on, is refused, or is given up."""

    what: str = Field(description="`run`: a settlement that waits. `sales payment`: a journal that is to be approved.")
    event: EventRefModel = Field(description="The event that the settlement comes of.")
    since: str | None = Field(description="Since when it waits; null of a journal.")
    journal: CompanyDocument | None = Field(description="The sales payment journal, by its company and number.")


class AboutModel(BaseModel):
    """What an event is about, as far as it says so. What is of a company out of scope is null."""

    type: str | None = Field(description="The event's type, by its short name.")
    company: str | None = Field(description="The company of its document.")
    ledger: str | None = Field(description="receivable or payable.")
    document: str | None = Field(description="Its document, or the one that it names.")
    party: PartyModel | None = Field(description="The party of its account or document.")
    currency: str | None = Field(description="The currency of its amount.")
    amount: str | None = Field(description="Its amount.")
    age_seconds: int = Field(description="For how long, by the clock of the service that keeps it.")


class WaitingModel(WaitModel, AboutModel):
    """An event that waits, with the first thing that it waits for."""


class RefusedEventModel(BaseModel):
    """A refusal, without what the event is about."""

    id: str = Field(description="The refusal's id.")
    service: str = Field(description="Which service refused.")
    event: EventRefModel = Field(description="The event.")
    scope: str = Field(description="`event`: all of it; `settlement`: what it asked to be settled.")
    type: str | None = Field(description="The event's type.")
    code: str = Field(description="Why, as a code of docs/events.md.")
    field: str = Field(description="Where, as a JSON pointer.")
    message: str = Field(description="What is wrong and what would be right.")
    rejected_at: str = Field(description="When.")
    again_at: str | None = Field(description="When it was last refused again for the same reason.")
    replays: int = Field(description="How often it was sent again as it was.")
    state: RefusalState = Field(description="What was done about it.")


class RefusedModel(AboutModel, RefusedEventModel):
    """A refusal."""


class SumModel(BaseModel):
    """A sum in one currency."""

    currency: str = Field(description="The currency.")
    amount: str = Field(description="The sum.")


class GroupModel(BaseModel):
    """Events by what is missing, or by why they were refused."""

    events: int = Field(description="How many.")
    amounts: list[SumModel] = Field(description="What they amount to, by currency, of companies in scope.")
    oldest: str = Field(description="Since when the oldest waits, or when it was refused.")
    age_seconds: int = Field(description="For how long.")
    sentence: str = Field(description="The group in words, in the reader's language.")


class MissingModel(GroupModel):
    """Events that wait for the same thing."""

    reason: str = Field(alias="for", description="For what kind of thing they wait.")
    key: dict[str, str] = Field(description="Which one; of what is of companies out of scope only the companies.")


class RefusedForModel(GroupModel):
    """Events that were refused for the same reason."""

    code: str = Field(description="Why, as a code of docs/events.md.")
    company: str | None = Field(description="In which company; null where they do not say.")
