"""The web process: the chat page, the status page and the API for programs."""
