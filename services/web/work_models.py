"""Models of what is still to be done: what waits, what was refused, what has reserved a document.

Invariant: a model says what the desk spells, field by field (a live test compares answers with their models).
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.web.book_models import CompanyDocument, EventRefModel


class WaitModel(BaseModel):
    """Something that waits."""

    event: str = Field(description="The event's id.")
    source: str = Field(description="The event's source.")
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
