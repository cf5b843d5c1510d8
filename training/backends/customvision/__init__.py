"""Azure Custom Vision, by its official SDK."""

from training.backends.customvision.backend import CustomVisionBackend

__all__ = ["CustomVisionBackend"]
