"""What is known to be broken is told apart from what is new, and leaves the list when it is mended."""

from __future__ import annotations

from tests.house.sources import Finding, files, unexpected

FOUND = [Finding("services/a.py", 3, "too long"), Finding("services/b.py", 5, "too long")]


def test_a_new_finding_is_named_with_file_and_line() -> None:
    assert unexpected(FOUND, {"services/a.py"}) == ["services/b.py:5: too long"]


def test_an_exception_that_is_no_longer_needed_fails() -> None:
    assert unexpected(FOUND, {"services/a.py", "services/b.py", "services/c.py"}) == ["no longer needed as an exception: services/c.py"]


def test_the_whole_tree_is_read() -> None:
    read = files("services", "shared", "tests")
    assert {"services/settlement/store.py", "shared/money.py", "tests/house/test_sources.py"} <= read.keys()
