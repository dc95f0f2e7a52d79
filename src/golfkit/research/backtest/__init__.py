"""Does grading predict? Records graded with what was known before them, against what they gained."""
