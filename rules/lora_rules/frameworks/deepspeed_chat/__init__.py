"""What we know of DeepSpeed-Chat."""
