import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('training', '0003_adopt_iterations'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.UniqueConstraint(condition=models.Q(('publish_name', ''), _negated=True), fields=('project', 'publish_name'), name='iterations_never_share_a_publish_name'),
        ),
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['New', 'Training'])), fields=('project',), name='iteration_in_training_is_the_only_one_of_its_project'),
        ),
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.CheckConstraint(condition=models.Q(('publish_name', ''), ('status', 'Completed'), _connector='OR'), name='iteration_that_is_published_is_completed'),
        ),
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'Completed'), _negated=True), models.Q(('head_key', ''), _negated=True), ('remote_id__isnull', False), _connector='OR'), name='iteration_that_is_completed_has_a_head'),
        ),
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('error__gt', ''), ('status', 'Failed')), models.Q(models.Q(('status', 'Failed'), _negated=True), ('error', '')), _connector='OR'), name='iteration_that_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('type__in', ['Multiclass', 'Multilabel'])), name='project_type_is_known'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.UniqueConstraint(condition=models.Q(('type', 'Negative')), fields=('project',), name='project_has_one_negative_tag_at_most'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.CheckConstraint(condition=models.Q(('type__in', ['Regular', 'Negative'])), name='tag_type_is_known'),
        ),
        migrations.AddField(
            model_name='image',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='image',
            name='picture',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='images', to='catalog.picture'),
        ),
        migrations.AddField(
            model_name='image',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='images', to='training.project'),
        ),
        migrations.AddField(
            model_name='imagetag',
            name='image',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='image_tags', to='training.image'),
        ),
        migrations.AddField(
            model_name='imagetag',
            name='tag',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='image_tags', to='training.tag'),
        ),
        migrations.AddField(
            model_name='image',
            name='tags',
            field=models.ManyToManyField(related_name='images', through='training.ImageTag', to='training.tag'),
        ),
        migrations.AddField(
            model_name='publication',
            name='iteration',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='publications', to='training.iteration'),
        ),
        migrations.AddField(
            model_name='publication',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='publications', to='training.project'),
        ),
        migrations.AddField(
            model_name='publication',
            name='replaced',
            field=models.ForeignKey(help_text='What was live before.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='training.iteration'),
        ),
        migrations.AddField(
            model_name='publication',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='image',
            index=models.Index(fields=['project', 'original_sha256'], name='image_by_original'),
        ),
        migrations.AddIndex(
            model_name='imagetag',
            index=models.Index(fields=['tag', '-image'], name='image_by_tag'),
        ),
        migrations.AddConstraint(
            model_name='imagetag',
            constraint=models.UniqueConstraint(fields=('image', 'tag'), name='image_has_a_tag_once'),
        ),
        migrations.AddConstraint(
            model_name='imagetag',
            constraint=models.UniqueConstraint(condition=models.Q(('is_only', True)), fields=('image',), name='image_of_multiclass_project_has_one_tag'),
        ),
        migrations.AddIndex(
            model_name='image',
            index=models.Index(fields=['project', '-id'], name='image_by_project'),
        ),
        migrations.AddIndex(
            model_name='image',
            index=models.Index(condition=models.Q(('quarantine', ''), _negated=True), fields=['project'], name='image_quarantined'),
        ),
        migrations.AddConstraint(
            model_name='image',
            constraint=models.UniqueConstraint(fields=('project', 'picture'), name='image_once_per_project_and_picture'),
        ),
        migrations.AddConstraint(
            model_name='image',
            constraint=models.CheckConstraint(condition=models.Q(('part__in', [0, 1, 2, 3])), name='image_part_is_known'),
        ),
        migrations.AddConstraint(
            model_name='image',
            constraint=models.CheckConstraint(condition=models.Q(('part', 2), ('source', 'correction'), _negated=True), name='image_of_a_correction_is_never_held_out'),
        ),
        migrations.AddConstraint(
            model_name='publication',
            constraint=models.CheckConstraint(condition=models.Q(('publish_name', ''), _negated=True), name='publication_has_a_publish_name'),
        ),
    ]
