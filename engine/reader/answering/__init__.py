"""Lines of text to an answer: which of them a question asks for."""
