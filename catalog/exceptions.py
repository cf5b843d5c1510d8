"""What can go wrong with stored pictures."""


class CatalogError(Exception):
    """The root of this room's errors."""


class StorageUnavailable(CatalogError):
    """The blob storage refused or did not answer; the same call may succeed later."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The blob storage refused {key!r} or did not answer.")
        self.key = key

    @property
    def reason(self) -> str:
        """Say in a few words what happened, without addresses, paths or keys."""
        return getattr(self.__cause__, "strerror", None) or type(self.__cause__).__name__
