"""Correct for hubs: items that come up for every query are penalised by what a bank of queries finds of them."""
