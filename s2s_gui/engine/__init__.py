"""Decoding: a ready model, searches as generators, text in and updates out."""
