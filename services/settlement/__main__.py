"""`python -m services.settlement`: the settlement service in this process, as `intercompany service settlement` runs it."""

from services.settlement.service import SERVICE
from shared.runtime.program import main

if __name__ == "__main__":
    main(SERVICE)
