"""The checks before money is spent: does it fit, is it legal, is it better, may it be paid."""
