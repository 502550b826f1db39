"""PyTorch's models as sources, through torch.export and litert-torch."""
