"""What we know of torchtune."""
