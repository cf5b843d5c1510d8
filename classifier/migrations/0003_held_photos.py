import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('classifier', '0002_pending_photos_are_not_logged'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='pendingphoto',
            name='user',
            field=models.ForeignKey(help_text='Until there is a prediction.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='held_photos', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='pendingphoto',
            name='prediction',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='pending_photo', to='classifier.prediction'),
        ),
        migrations.AddConstraint(
            model_name='pendingphoto',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('prediction__isnull', False), ('user', None)), models.Q(('prediction', None), ('user__isnull', False)), _connector='OR'), name='pending_photo_has_a_prediction_or_a_user'),
        ),
    ]
