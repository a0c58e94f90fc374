"""What goes wrong with the front end, in a sentence for the person who starts the page."""


class FrontendError(RuntimeError):
    """The installed Chainlit is not the one that the front end was made for, or its prepared copy is damaged."""
