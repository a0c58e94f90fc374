"""Brings a model's weights to this machine."""
