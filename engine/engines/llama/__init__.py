"""llama.cpp: its plan and its log."""
