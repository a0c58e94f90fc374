"""`./start.sh ocr` runs `python -m app.batch`."""

import sys

from app.batch.command import main

sys.exit(main())
