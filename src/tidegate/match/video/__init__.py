"""Videos that are known."""
