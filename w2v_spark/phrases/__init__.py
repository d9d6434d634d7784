"""Phrases: words that stand beside each other more often than by chance, found on ids and joined to one word."""
