from django.db import migrations

FORWARD = """
CREATE TRIGGER tell_rows_changed AFTER UPDATE OR DELETE OR TRUNCATE ON training_project
FOR EACH STATEMENT EXECUTE FUNCTION classifr_tell_rows_changed();
CREATE TRIGGER tell_rows_changed AFTER UPDATE OR DELETE OR TRUNCATE ON training_iteration
FOR EACH STATEMENT EXECUTE FUNCTION classifr_tell_rows_changed();
"""
BACKWARD = """
DROP TRIGGER tell_rows_changed ON training_project;
DROP TRIGGER tell_rows_changed ON training_iteration;
"""


class Migration(migrations.Migration):
    dependencies = [("training", "0008_image_tag_created_at"), ("accounts", "0005_keys_tell_of_changes")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
