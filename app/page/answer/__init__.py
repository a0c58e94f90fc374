"""How a turn looks: the pieces of the answer, the buttons below it, and their wording."""
