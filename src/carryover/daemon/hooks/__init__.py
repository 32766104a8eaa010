"""Handles calls from agents' hooks over HTTP: access checks, the meaning of each call, and the answer."""
