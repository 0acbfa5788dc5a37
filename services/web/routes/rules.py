"""`/v1/rules`: what the rules are called that lines of vouchers name."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.desk.rule_titles import TITLES
from services.web.access.may import Reader

router = APIRouter(tags=["books"])


class Rule(BaseModel):
    """A rule of the rule book."""

    rule: str = Field(description="Its id, as lines of vouchers name it.", examples=["F-C04"])
    title: str = Field(description="What it is called.")


class Rules(BaseModel):
    """The rule book."""

    data: list[Rule] = Field(description="The rules, by id.")


@router.get("/v1/rules", response_model=Rules, summary="The rules that lines of vouchers name")
async def rules(_: Reader) -> Any:
    """Every rule that a line of a voucher can name, with its title."""
    return {"data": [{"rule": rule, "title": title} for rule, title in sorted(TITLES.items())]}
