"""The page of a board: one static index.html that needs no network, made from records that nobody trusts."""
