"""`/v1/rules`: what the rules are called that lines of vouchers name, and what they say."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.web.access.may import Reader
from services.web.frame import language_of
from shared.rulebook import rule_book

router = APIRouter(tags=["books"])


class RuleEntry(BaseModel):
    """A rule of the rule book."""

    rule: str = Field(description="Its id, as lines of vouchers name it.", examples=["F-C04"])
    title: str = Field(description="What it is called, in the reader's language.")
    sentence: str = Field(description="What it says, in the reader's language.")
    see: list[str] = Field(description="The rules and decisions that it leads to.")


class Rules(BaseModel):
    """The rule book."""

    data: list[RuleEntry] = Field(description="The rules, in the order of the rule book.")


@router.get("/v1/rules", response_model=Rules, summary="The rule book")
async def rules(_: Reader, request: Request) -> Any:
    """Every rule and decision, those included that a line of a voucher can name, in the language of `Accept-Language`."""
    book = rule_book(language_of(request.scope))
    return {"data": [{"rule": each.id, "title": each.title, "sentence": each.sentence, "see": each.see} for each in book.values()]}
