from django.urls import path

from accounts.views import signing_in, users

app_name = "accounts"
urlpatterns = [
    path("login/", signing_in.login, name="login"),
    path("logout/", signing_in.logout, name="logout"),
    path("password/", signing_in.password_change, name="password_change"),
    path("password/set", signing_in.password_set, name="password_set"),
    path("language/", signing_in.language, name="language"),
    path("theme/", signing_in.theme, name="theme"),
    path("keys/", signing_in.keys, name="keys"),
    path("users/", users.users, name="users"),
    path("users/new", users.new, name="user_new"),
    path("users/<int:pk>/", users.user, name="user"),
    path("users/<int:pk>/link", users.link, name="user_link"),
    path("users/<int:pk>/deactivate", users.deactivate, name="user_deactivate"),
    path("users/<int:pk>/activate", users.activate, name="user_activate"),
]
