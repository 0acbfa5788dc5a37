"""Whatever is sent: it is accepted, waits, or is refused with its field. `make mutated` takes very many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.registry import SERVICES
from shared.delivery.folding import concerns
from shared.events.codec import decode
from shared.events.envelope import Unreadable
from shared.settings import Settings
from tests.mutated.mutations import mutated
from tests.mutated.taking import taken
from tests.speed.assembly import running_line

_BLOCKS_OF_A_ROW = 60
"""What a company, an account, a rate takes at most in the memory of a service."""
CODES = {"malformed", "unknown-type", "invalid"}


@given(st.integers(0, 2**32))
def test_an_event_is_read_or_refused_with_its_field_and_somebody_answers_it(seed: int) -> None:
    for record in mutated(seed, 5):
        event = decode(record)
        if isinstance(event, Unreadable):
            assert event.code in CODES
            assert event.message
            is_whole = event.code == "malformed" or event.message.endswith("is not a JSON object")
            assert event.field.startswith("/") or (is_whole and not event.field), event
        assert any(concerns(service, event) for service in SERVICES)


def test_a_seed_gives_the_same_records() -> None:
    assert list(mutated(7, 50)) == list(mutated(7, 50)) != list(mutated(8, 50))


@pytest.mark.embedded
async def test_the_services_answer_each_of_them(database_url: str) -> None:
    async with running_line(Settings(database_url=SecretStr(database_url), namespace="mutated")) as line:
        outcomes = await taken(line, 5, 600)
    assert outcomes.unanswered == []
    assert outcomes.failed == 0
    assert outcomes.accepted + outcomes.refused == outcomes.events == 600
    assert min(outcomes.accepted, outcomes.waiting, outcomes.codes["invalid"], outcomes.codes["malformed"]) > 5


@pytest.mark.embedded
async def test_what_the_services_hold_grows_with_the_reference_data_in_force_alone(database_url: str) -> None:
    """After the first events all caches are full: an object kept of each event would be thousands of blocks."""
    number = 500
    async with running_line(Settings(database_url=SecretStr(database_url), namespace="kept")) as line:
        first, once, twice = [await taken(line, seed, number) for seed in (5, 6, 7)]
    assert first.events == once.events == twice.events == number
    kept, rows = twice.blocks[-1] - once.blocks[-1], twice.in_force - once.in_force
    assert kept <= _BLOCKS_OF_A_ROW * rows + number, (kept, rows)
