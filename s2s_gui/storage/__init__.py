"""What is kept on disk for the user: settings, session, model library."""
