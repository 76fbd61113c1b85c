"""Facts about the versions of the libraries that a repository asks for."""
