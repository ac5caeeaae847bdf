"""From recipe and parallel text to a model folder."""
