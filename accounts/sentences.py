"""What several pages say of users."""

from django.utils.translation import gettext_lazy, ngettext

LAST_ADMINISTRATOR = gettext_lazy(
    "This is the last active administrator: give somebody else the role first, or nobody could give roles any more."
)


def stopped_keys(count: int) -> str:
    """Say how many keys stop with their owner."""
    return ngettext("%(count)s API key stops working.", "%(count)s API keys stop working.", count) % {"count": count}


def revoked_keys(count: int) -> str:
    """Say how many keys are revoked with the role of their owner."""
    return ngettext("%(count)s API key is revoked.", "%(count)s API keys are revoked.", count) % {"count": count}
