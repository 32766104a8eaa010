"""Handles calls from agents' hooks: what a call may name, what it means, and the answer."""
