"""Money: the gate, reservations, pods."""
