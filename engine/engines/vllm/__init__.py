"""vLLM: its plan, its environment, its log, and the workarounds that it needs."""
