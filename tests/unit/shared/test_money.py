"""Rounding is half up, away from zero, to the digits of the currency; a share is exact until it is rounded."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import money
from shared.money import CURRENCIES, fits, minor_digits, minor_unit, rounded, rounded_fraction, share

SOME = ("USD", "JPY", "KWD")


@pytest.mark.parametrize(("currency", "digits", "unit"), [("USD", 2, "0.01"), ("JPY", 0, "1"), ("KWD", 3, "0.001")])
def test_a_currency_has_its_digits(currency: str, digits: int, unit: str) -> None:
    assert (minor_digits(currency), str(minor_unit(currency))) == (digits, unit)


def test_the_currencies_are_those_of_the_list_of_which_remarks_and_empty_lines_are_no_part() -> None:
    assert money._listed() == CURRENCIES  # noqa: SLF001 - it is read once, when the module is
    assert "#" not in "".join(CURRENCIES)
    assert {CURRENCIES[code] for code in ("USD", "JPY", "KWD")} == {0, 2, 3}


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


@given(st.fractions(-(10**15), 10**15, max_denominator=10**6), st.sampled_from(SOME))
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


@pytest.mark.parametrize(
    ("currency", "digits"), [("BGN", 2), ("DEM", 2), ("ITL", 0), ("TRL", 0), ("TPE", 0), ("CLF", 4), ("UYW", 4), ("XAD", 2)]
)
def test_a_currency_stays_one_after_it_was_withdrawn_with_the_digits_it_had(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


def test_the_currencies_are_those_in_force_on_the_first_of_january_2026_and_those_withdrawn_since_2000() -> None:
    withdrawn = (
        "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE ROL TPE TRL AFA ANG AON AOR ATS AZM BGL BGN CHC CSD CUC CYP DEM ECS ECV EEK FIM FRF"
    )
    withdrawn += " GHC HRK IEP LTL LVL MRO MTL MZM NLG RUR SDD SIT SKK SLL SRG STD TJR TMM USS VEB VEF YUM ZMK ZWD ZWL ZWN ZWR"
    assert CURRENCIES.keys() >= set(withdrawn.split())
    assert len(CURRENCIES) == 165 + len(withdrawn.split())
    assert not CURRENCIES.keys() & {"XAU", "XAG", "XPD", "XPT", "XDR", "XTS", "XXX", "XSU", "XUA", "XBA", "XBB", "XBC", "XBD"}


def test_nothing_is_rounded_to_a_negative_zero() -> None:
    for amount in ("-0.00", "-0.001", "-0"):
        assert str(rounded(Decimal(amount), "USD")) == "0.00"
        assert str(rounded_fraction(Fraction(amount), "USD")) == "0.00"
    assert str(share(Decimal(-100), Fraction(Decimal("0.0000379")), "USD")) == "0.00"


def test_rounding_does_not_hang_on_the_context_of_the_caller() -> None:
    with localcontext(Context(prec=5)):
        assert str(rounded(Decimal("123456789012345678.905"), "USD")) == "123456789012345678.91"
        assert str(rounded_fraction(Fraction("123456789012345678.905"), "USD")) == "123456789012345678.91"


def test_the_largest_amount_at_the_finest_rate_keeps_every_digit() -> None:
    amount, rate = Decimal("999999999999999999.9999"), Decimal("9999999999.999999999999999999")
    assert str(share(amount, Fraction(rate), "UYW")) == "9999999999999999999998999999.0000"
