"""How a turn looks: what is shown of it, piece by piece, the buttons below it, and the words of all that."""
