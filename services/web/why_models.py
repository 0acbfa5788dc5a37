"""Models of why a line is there: what `services.desk.why` spells, of a line that is posted or of one that would be.

Invariant: a field for each that the explanation has, no other (a live test compares answers with their models).
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.web.book_models import EventRefModel, NamedDocument


class LineName(BaseModel):
    """A line of a voucher."""

    company: str = Field(description="The company.")
    voucher: str = Field(description="The voucher's number.")
    line: int = Field(description="The line, from 1.")


class FigureModel(BaseModel):
    """An amount that the sentence says."""

    amount: str = Field(description="The amount.")
    currency: str = Field(description="Its currency.")


class ParameterModel(BaseModel):
    """A parameter that decided, as it was in force then."""

    name: str = Field(description="What it is called.")
    company: str = Field(description="Whose it is.")
    partner: str | None = Field(description="Towards which company.")
    ledger: str = Field(description="In which ledger.")
    value: str = Field(description="Its value.")
    of: str = Field(description="What says it: `intercompany_accounting`, `settlement_parameters`, `posting_profile`, …, or `default`.")
    event: EventRefModel | None = Field(description="The event that set it.")
    since: str | None = Field(description="Since when it was in force.")


class RateModel(BaseModel):
    """An exchange rate that was used."""

    from_: str = Field(alias="from", description="1 unit of this currency …")
    to: str = Field(description="… is so much in this one.")
    rate: str = Field(description="So much.")
    date: str | None = Field(default=None, description="The rate's date.")
    of: str = Field(description="Where it comes from: `document`, `event` or `published`.")
    company: str | None = Field(default=None, description="Whose it is.")


class WhyModel(BaseModel):
    """Why a line is there and has its amount."""

    is_explained: bool = Field(description="Whether the arithmetic of the sentence gives what was posted; else it says so.")
    sentence: str = Field(description="Why, in the reader's language.")
    figures: dict[str, FigureModel] = Field(description="The amounts of the sentence.")
    rules: list[str] = Field(description="The rules that apply (docs/rules.md).")
    parameters: list[ParameterModel] = Field(description="The parameters that decided, with the event that set each.")
    rates: list[RateModel] = Field(description="The exchange rates that were used.")
    documents: list[NamedDocument] = Field(description="The documents that it is about.")
    cause: EventRefModel | None = Field(description="The event that it comes of; of a reversal the one that asked for it.")
    mirrors: LineName | None = Field(description="The line that a reversal mirrors.")


class WhyOfLine(WhyModel):
    """Why a line of a voucher is there and has its amount."""

    line: LineName = Field(description="The line.")
