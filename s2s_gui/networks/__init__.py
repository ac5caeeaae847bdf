"""The networks: plain PyTorch, no files, no text, no Qt."""
