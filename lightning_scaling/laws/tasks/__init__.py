"""From the loss to the accuracy of a task."""
