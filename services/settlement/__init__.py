"""The settlement service: which open documents settle with which, for how much, and where."""
