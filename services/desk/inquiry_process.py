"""Inquiry as a process with what it does beside projecting: it measures the work that is left, and compares the books (CHECK_EVERY).

`python -m services.desk.inquiry_process`, as `intercompany up` and `intercompany service inquiry` run it; `python -m services.inquiry`
projects alone.

Invariant: nothing of this is done by the services that post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.desk.regular_checks import check_regularly
from services.desk.regular_looks import look_regularly
from services.registry import INQUIRY
from shared.runtime.program import main

if TYPE_CHECKING:
    from shared.runtime.process import Companion

COMPANIONS: Final[tuple[Companion, ...]] = (look_regularly, check_regularly)
"""What runs beside the service in its process."""

if __name__ == "__main__":
    main(INQUIRY, COMPANIONS)
