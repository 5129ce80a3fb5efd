"""Videos: bytes to the fingerprints of their frames, part by part, in the jail."""
