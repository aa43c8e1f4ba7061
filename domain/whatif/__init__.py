"""Recorded commands once more, under another policy: a simulation in its own time, made of the rules that actors ask.

It reads nothing and knows no clock: the log comes in as events, and time is what they say.
"""
