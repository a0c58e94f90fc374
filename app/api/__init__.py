"""The OpenAI API for programs, on the page's port: `/v1/models`, and where a model answers."""
