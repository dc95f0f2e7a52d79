"""Codecs, bundles, roundtrips and the ladder."""
