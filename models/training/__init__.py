"""Training of the pose model on pictures that `bouts` draws."""
