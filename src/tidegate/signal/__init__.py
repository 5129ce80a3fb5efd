"""What we know and its standing."""
