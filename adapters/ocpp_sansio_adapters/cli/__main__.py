"""`python -m ocpp_sansio_adapters.cli` is `ocpp-sansio`."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
