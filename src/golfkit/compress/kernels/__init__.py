"""The compressor itself: functions on plain integer arrays, the same source interpreted, jitted and native."""
