"""SGLang: its plan and its start."""
