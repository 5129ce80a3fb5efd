"""Telling the uploader: the statement of reasons, and the way to object."""
