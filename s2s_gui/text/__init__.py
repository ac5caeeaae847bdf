"""Text without torch: sentences, tokenizers, detokenising streams."""
