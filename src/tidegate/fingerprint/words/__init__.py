"""Texts and links: what is compared of them, read in the jail."""
