"""Model files read into a description and written from one."""
