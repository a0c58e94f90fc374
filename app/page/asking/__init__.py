"""A question and the buttons below its answer: what happens when a question is sent or a button pressed."""
