"""What is in review has a state: open, corrected or set aside, and programs ask too."""

import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_waiting_blobs'),
        ('feedback', '0005_misprediction_project'),
        ('training', '0018_erased_pictures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='misprediction',
            name='misprediction_kept',
        ),
        migrations.RemoveIndex(
            model_name='misprediction',
            name='misprediction_kept_by_tag',
        ),
        migrations.RemoveIndex(
            model_name='misprediction',
            name='misprediction_kept_by_user',
        ),
        migrations.RemoveIndex(
            model_name='misprediction',
            name='misprediction_kept_by_iter',
        ),
        migrations.RemoveIndex(
            model_name='misprediction',
            name='misprediction_kept_by_day',
        ),
        migrations.RemoveIndex(
            model_name='misprediction',
            name='misprediction_in_bin',
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True), _negated=True), fields=['-deleted_at', '-id'], include=('project',), name='misprediction_in_bin'),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='dismissal',
            field=models.CharField(blank=True, choices=[('right', 'the model was right'), ('unknown', 'no known tag'), ('unusable', 'unusable photo')], db_default='', max_length=8),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='had_tags',
            field=models.JSONField(help_text='Keys of the tags that its image had before; empty: the correction made the image.', null=True),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='held_at',
            field=models.DateTimeField(help_text='When somebody began to look at it.', null=True),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='held_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='likely_share',
            field=models.FloatField(help_text='0 to 1: of the nearest images, how many are that.', null=True),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='likely_tag',
            field=models.CharField(blank=True, db_default='', help_text='What most of the images that look like it are.', max_length=200),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='reviewed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='reviewed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='reviewer',
            field=models.CharField(blank=True, db_default='', help_text='Their name, as it was.', max_length=150),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='right_tags',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='Key and name of each that a reviewer put.'),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='source',
            field=models.CharField(choices=[('person', 'people'), ('program', 'programs')], db_default='person', default='person', max_length=7),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='state',
            field=models.CharField(choices=[('open', 'to review'), ('corrected', 'corrected'), ('dismissed', 'set aside')], db_default='open', default='open', max_length=9),
        ),
        migrations.AddField(
            model_name='misprediction',
            name='offered_tag',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(django.db.models.functions.comparison.NullIf('suggested_tag', models.Value('')), 'likely_tag'), help_text="The tag to accept: the sender's, else the likely one.", output_field=models.CharField(max_length=200)),
        ),
        migrations.AlterField(
            model_name='misprediction',
            name='username',
            field=models.CharField(help_text='Who sent the photo; the application, if a program did.', max_length=150),
        ),
        migrations.AlterField(
            model_name='misprediction',
            name='verdict',
            field=models.OneToOneField(help_text='Null: a program asked.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='misprediction', to='feedback.verdict'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', '-id'], name='misprediction_by_state'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'project', '-id'], name='misprediction_by_project'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'source', '-id'], name='misprediction_by_source'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'tag', '-id'], name='misprediction_by_tag'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'offered_tag', '-id'], name='misprediction_by_offered'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'username', '-id'], name='misprediction_by_user'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'iteration_name', '-id'], name='misprediction_by_iter'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'created_at', '-id'], name='misprediction_by_day'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True)), fields=['state', 'probability', '-id'], name='misprediction_by_share'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('source', 'person'), ('verdict', None), _connector='XOR'), name='misprediction_has_a_verdict_if_a_person_s'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'corrected', 'dismissed'])), name='misprediction_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'corrected'), ('right_tags', []), _connector='XOR'), name='misprediction_that_is_corrected_has_its_tags'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'dismissed'), ('dismissal', ''), _connector='XOR'), name='misprediction_that_is_dismissed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'open'), ('reviewed_at__isnull', False), _connector='XOR'), name='misprediction_that_is_done_says_when'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('likely_tag', ''), models.Q(('likely_share__gte', 0), ('likely_share__lte', 1)), _connector='XOR'), name='misprediction_has_the_share_of_the_likely_tag'),
        ),
    ]
