"""`./start.sh ocr`: many files through the running engine, one result for each."""
