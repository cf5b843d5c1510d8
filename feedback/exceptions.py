"""What can go wrong with verdicts. A storage that is away is the catalog's own StorageUnavailable."""


class FeedbackError(Exception):
    """The root of this room's errors."""


class TooLate(FeedbackError):
    """The time in which a verdict could be taken back is over; it stands."""
