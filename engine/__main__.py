"""The entry point of `start.sh`: `python -m engine COMMAND …`."""

import sys

if sys.argv[1:] == ["up"]:
    # Importing the other commands' parsers would take a third of the time until the page starts.
    from engine.commands.up import main
else:
    from engine.commands.cli import main

sys.exit(main())
