"""What we know of OpenRLHF."""
