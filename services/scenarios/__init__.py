"""Scenario files: read, simulated by the pure cores, run through the real services, compared with what they expect."""
