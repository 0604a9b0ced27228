"""All SQL of linkcheck, by what it is for.

registry   an article version arrives: articles, citations, links, hosts
leases     which hosts are due, and who may fetch from them now
dossiers   all that is known of the links about to be checked
results    what a group of checks found, in one transaction
reports    what people and programs read
reviews    what editors decided
saves      wishes to another archive
"""
