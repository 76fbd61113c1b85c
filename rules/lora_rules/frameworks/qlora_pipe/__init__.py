"""What we know of qlora-pipe."""
