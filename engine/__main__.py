"""`python -m engine WORD …`, as `start.sh` calls it."""

import sys

from engine.cli import main

sys.exit(main())
