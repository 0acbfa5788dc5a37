"""The read side over all services: what stands in the books, what waits, what was refused, and how it hangs together."""
