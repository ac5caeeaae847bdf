"""Keras models of the sequence-to-sequence example and its kin."""
