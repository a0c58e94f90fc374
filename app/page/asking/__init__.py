"""A question and the buttons below its answer: what happens when one is sent or pressed."""
