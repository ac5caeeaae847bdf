"""Models as files: open, describe, import, verify, export."""
