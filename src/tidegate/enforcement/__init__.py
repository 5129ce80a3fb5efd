"""The instruction to the platform, its delivery and its receipt."""
