"""Fetch a picture from an address that a program names, where the operator allows it."""

from django.conf import settings

from engine.fetching import Allowance, NotFetched, TooLong, fetch

__all__ = ["NotFetched", "TooLong", "fetch_picture"]


def fetch_picture(url: str, *, max_bytes: int) -> bytes:
    """Return what that address answers, as `engine.fetching.fetch` does. Raises NotFetched."""
    return fetch(url, max_bytes=max_bytes, allowance=Allowance(settings.CLASSIFR_URL_FETCH_ALLOW))
