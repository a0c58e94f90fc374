"""vLLM: its plan, its environment, its log, and what it needs worked around."""
