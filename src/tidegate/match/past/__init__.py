"""Past uploads: which of them a new signal is near, in files."""
