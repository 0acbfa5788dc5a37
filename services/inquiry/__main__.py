"""`python -m services.inquiry`: the inquiry service in this process, as `intercompany service inquiry` runs it."""

from services.inquiry.service import SERVICE
from shared.runtime.program import main

if __name__ == "__main__":
    main(SERVICE)
