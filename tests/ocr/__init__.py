"""How well the reader reads, in figures. `python -m tests.ocr --help` measures it by hand."""
