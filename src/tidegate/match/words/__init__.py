"""Texts and links that are known."""
