from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER tell_rows_changed AFTER UPDATE OF is_active ON accounts_user
FOR EACH ROW WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION classifr_tell_rows_changed();
"""
BACKWARD = "DROP TRIGGER tell_rows_changed ON accounts_user;"


class Migration(migrations.Migration):
    """A key works as long as its owner is active: whoever made it, or the developer who got it from them."""

    dependencies = [("accounts", "0006_own_sign_in_counts")]

    operations = [
        migrations.RenameField("apikey", "created_by", "owner"),
        migrations.AlterField(
            "apikey",
            "owner",
            models.ForeignKey(
                help_text="Who answers for it; when they are deactivated, it stops.",
                null=True,
                on_delete=models.SET_NULL,
                related_name="api_keys",
                to=settings.AUTH_USER_MODEL,
                verbose_name="owner",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
