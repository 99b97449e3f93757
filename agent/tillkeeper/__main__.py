"""`python -m tillkeeper`."""

import sys

from tillkeeper.cli import main

sys.exit(main())
