"""The index: fingerprint -> matches."""
