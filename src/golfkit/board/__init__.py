"""The collaboration board."""
