"""Runs one named function over untrusted bytes in a locked child; gives a bounded answer."""

from tidegate.jail.model import JailError, Limits, Reason, Refusal
from tidegate.jail.pool import Jail

__all__ = ["Jail", "JailError", "Limits", "Reason", "Refusal"]
