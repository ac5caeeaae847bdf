"""Marian's own files: npz, Bergamot's binaries and what lies around them."""
