"""The reader: text recognition on a CPU behind a vision engine's API. Start it by `python -m engine.reader`."""
