"""The published contract: its files, its pages and examples, and whether a later version only adds to it."""
