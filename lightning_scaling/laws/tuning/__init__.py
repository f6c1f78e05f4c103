"""The best learning rate and batch size: published laws, and those of a sweep."""
