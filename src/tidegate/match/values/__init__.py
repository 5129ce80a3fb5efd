"""The index: known 256-bit values, and every one of them within a radius of a query."""
