from django.db import migrations

FORWARD = """
CREATE FUNCTION training_refuse_to_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The log of publications is never changed.' USING ERRCODE = 'restrict_violation';
END $$;
-- Foreign keys may become null when what they point at is deleted; the words stay.
CREATE TRIGGER publication_is_never_changed BEFORE UPDATE ON training_publication FOR EACH ROW
WHEN ((OLD.project_id, OLD.act, OLD.iteration_name, OLD.publish_name, OLD.replaced_name, OLD.reason, OLD.username,
       OLD.created_at)
      IS DISTINCT FROM
      (NEW.project_id, NEW.act, NEW.iteration_name, NEW.publish_name, NEW.replaced_name, NEW.reason, NEW.username,
       NEW.created_at))
EXECUTE FUNCTION training_refuse_to_rewrite();
"""
BACKWARD = "DROP FUNCTION training_refuse_to_rewrite() CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("training", "0004_learning_rules")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
