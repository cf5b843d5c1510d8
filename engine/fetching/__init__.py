"""Pictures fetched by their addresses, by the server and by exported containers, from where they may look."""

from engine.fetching.pictures import NotFetched, TooLong, fetch
from engine.fetching.public_addresses import Allowance

__all__ = ["Allowance", "NotFetched", "TooLong", "fetch"]
