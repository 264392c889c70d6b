"""The same calls on tensorboardX, on torch.utils.tensorboard and on our writer, compared."""
