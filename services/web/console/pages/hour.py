"""The last hour as a picture: the payments of each minute as bars."""

from __future__ import annotations

from typing import Any, Final

Row = dict[str, Any]

_HEIGHT: Final = 40
_STEP: Final = 10


def hour(minutes: list[Row]) -> Row:
    """The payments of each minute as bars of a picture, which is `width` by `height`; the last minute is at the right."""
    most = max((each["payments"] for each in minutes), default=0)
    bars = []
    for place, each in enumerate(minutes):
        if each["payments"]:
            height = max(1, round(each["payments"] * _HEIGHT / most))
            bars.append({"x": place * _STEP, "y": _HEIGHT - height, "height": height, "width": _STEP - 2})
    return {"bars": bars, "most": most, "sum": sum(each["payments"] for each in minutes), "width": len(minutes) * _STEP, "height": _HEIGHT}
