"""What we know of mlx-lm."""
