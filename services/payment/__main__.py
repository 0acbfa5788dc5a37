"""`python -m services.payment`: the payment service in this process, as `intercompany service payment` runs it."""

from services.payment.service import SERVICE
from shared.runtime.program import main

if __name__ == "__main__":
    main(SERVICE)
