"""What we know of diffusion-pipe."""
