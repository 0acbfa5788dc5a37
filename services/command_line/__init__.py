"""The command line `intercompany`: the three services seen together, by a person."""
