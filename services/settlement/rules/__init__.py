"""The pure core of the settlement service."""
