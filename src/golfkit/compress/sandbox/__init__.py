"""Running a stranger's decompressor where it can see and reach nothing."""
