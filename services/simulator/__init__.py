"""The fault simulator: the real services on a simulated broker, in virtual time, with faults drawn from a seed."""
