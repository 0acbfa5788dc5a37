"""`python -m services.posting`: the posting service in this process, as `intercompany service posting` runs it."""

from services.posting.service import SERVICE
from shared.runtime.program import main

if __name__ == "__main__":
    main(SERVICE)
