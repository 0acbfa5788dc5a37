"""Rounding is half up, away from zero, to the digits of the currency; a share is exact until it is rounded."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import fits, minor_digits, minor_unit, rounded, rounded_fraction, share

CURRENCIES = ("USD", "JPY", "KWD")


@pytest.mark.parametrize(("currency", "digits", "unit"), [("USD", 2, "0.01"), ("JPY", 0, "1"), ("KWD", 3, "0.001")])
def test_a_currency_has_its_digits(currency: str, digits: int, unit: str) -> None:
    assert (minor_digits(currency), str(minor_unit(currency))) == (digits, unit)


@pytest.mark.parametrize("currency", ["XXX", "usd", ""])
def test_what_is_no_currency_with_an_amount_has_none(currency: str) -> None:
    assert minor_digits(currency) is None
    with pytest.raises(ValueError, match="is not an ISO 4217 currency with minor digits") as error:
        minor_unit(currency)
    assert repr(currency) in str(error.value)


@pytest.mark.parametrize(
    ("amount", "currency", "result"),
    [
        ("5.0505", "USD", "5.05"),
        ("6.1224", "USD", "6.12"),
        ("9.8980", "USD", "9.90"),
        ("1.005", "USD", "1.01"),
        ("-1.005", "USD", "-1.01"),
        ("1.004999", "USD", "1.00"),
        ("0.5", "JPY", "1"),
        ("1.0005", "KWD", "1.001"),
        ("7", "USD", "7.00"),
    ],
)
def test_half_a_unit_is_rounded_up_away_from_zero(amount: str, currency: str, result: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == result
    assert str(rounded_fraction(Fraction(amount), currency)) == result


@given(st.fractions(-(10**15), 10**15, max_denominator=10**6), st.sampled_from(CURRENCIES))
def test_a_fraction_is_rounded_to_the_nearest_amount(amount: Fraction, currency: str) -> None:
    result = rounded_fraction(amount, currency)
    assert abs(Fraction(result) - amount) * 2 <= Fraction(minor_unit(currency))
    assert result == -rounded_fraction(-amount, currency)
    assert fits(result, currency)


def test_a_share_is_rounded_once() -> None:
    assert str(share(Decimal("100.00"), Fraction(1, 3), "USD")) == "33.33"
    assert str(share(Decimal("0.05"), Fraction(1, 10), "USD")) == "0.01"
    assert str(share(Decimal("100.00"), Fraction(0), "USD")) == "0.00"
    assert str(share(Decimal(0), Fraction(1, 3), "JPY")) == "0"


@pytest.mark.parametrize(
    ("amount", "currency", "does"), [("1.01", "USD", True), ("1.010", "USD", True), ("1.011", "USD", False), ("1.5", "JPY", False)]
)
def test_an_amount_fits_its_currency_zeros_at_the_end_aside(amount: str, currency: str, does: bool) -> None:  # noqa: FBT001
    assert fits(Decimal(amount), currency) == does
