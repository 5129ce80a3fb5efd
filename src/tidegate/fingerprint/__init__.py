"""What bytes look like: decoding and hashing, only ever run inside the jail."""
