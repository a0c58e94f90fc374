"""`./start.sh eval tools`: whether a model calls the right tools rightly, and uses what they return."""
