"""Pictures: bytes to fingerprints, in the jail."""
