"""Files of torch.save: OpenNMT-py's checkpoints and bare state dicts."""
