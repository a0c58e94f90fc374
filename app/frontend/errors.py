"""The error of preparing the front end, with a message for the user who starts the page."""


class FrontendError(RuntimeError):
    """The installed Chainlit is not the one that the front end was made for, or its prepared copy is damaged."""
