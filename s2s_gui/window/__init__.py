"""The Qt window; Qt is imported only here and in app.py."""
