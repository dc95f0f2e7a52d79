"""Do grades predict outcomes?"""
