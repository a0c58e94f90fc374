"""The chat page on Chainlit: its callbacks, messages, buttons and settings panel."""
