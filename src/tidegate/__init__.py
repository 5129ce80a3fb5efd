"""Tidegate: keeps known terrorist content out, and everyone able to object."""
