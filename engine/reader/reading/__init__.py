"""A picture to lines of text: OCR."""
