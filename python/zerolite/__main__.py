"""`python -m zerolite`: the same command line as `zerolite`."""

import sys

from zerolite.cli import main

sys.exit(main())
