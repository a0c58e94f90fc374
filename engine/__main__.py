"""`python -m engine WORD …`, as `start.sh` calls it."""

import sys

if sys.argv[1:] == ["up"]:
    # The other words' parsers and all that they import would take a third of the time until the page starts.
    from engine.commands.up import main
else:
    from engine.commands.cli import main

sys.exit(main())
