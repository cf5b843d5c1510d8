"""What can go wrong with backups."""


class BackupError(Exception):
    """The root of this package's errors; each is a sentence for the operator."""


class Refused(BackupError):
    """Nothing was done, as it was asked wrongly; asked otherwise it may succeed."""


class DamagedBackup(BackupError):
    """The file is not what `manage.py backup` wrote: cut short, changed, or something else altogether."""
