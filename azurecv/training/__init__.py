"""Azure Custom Vision, by its official SDK."""

from azurecv.training.backend import CustomVisionBackend

__all__ = ["CustomVisionBackend"]
