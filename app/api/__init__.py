"""The OpenAI API for programs, on the page's port: `/v1/models` and `/v1/chat/completions`."""
