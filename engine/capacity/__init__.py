"""How many engines and pages a number of people needs: a simulation of their questions."""
