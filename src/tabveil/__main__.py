"""`python -m tabveil` is `tabveil`."""

import sys

from tabveil.cli import main

sys.exit(main())
