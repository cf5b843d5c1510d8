from django.db import migrations

# A restore clears a site of its tables, and leaves the function.
FORWARD = """
CREATE OR REPLACE FUNCTION classifr_tell_rows_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY classifr_rows_changed;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_rows_changed AFTER UPDATE OR DELETE OR TRUNCATE ON accounts_apikey
FOR EACH STATEMENT EXECUTE FUNCTION classifr_tell_rows_changed();
"""
BACKWARD = "DROP FUNCTION classifr_tell_rows_changed() CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_api_keys")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
