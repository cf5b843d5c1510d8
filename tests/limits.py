"""What may be posted where, as tests ask for it."""

from django.urls import resolve

from web.takes import taken_by


def body_limit_of(path: str) -> int:
    """Return how many bytes may be posted to that path."""
    return taken_by(resolve(path).func).body_bytes
