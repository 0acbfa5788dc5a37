"""Random groups and event streams: those of the fault simulator."""

from __future__ import annotations

from services.simulator.streams import COMPANIES, NOWHERE, START, events, group, requests, said_of_vouchers, scenario, trade

__all__ = ["COMPANIES", "NOWHERE", "START", "events", "group", "requests", "said_of_vouchers", "scenario", "trade"]
