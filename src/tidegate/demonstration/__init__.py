"""The demonstration: one picture's whole life, played over HTTP between real processes, with harmless pictures."""
