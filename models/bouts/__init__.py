"""Synthetic bouts: fencers that move, whose every key point and verdict is known, and pictures of them."""
