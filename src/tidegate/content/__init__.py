"""What a platform shows us: identity, revisions, limits, sealed bytes, retention."""
