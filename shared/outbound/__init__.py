"""The one door to strangers: every request that any service makes to an address that somebody else chose.

Outbound.exchange ─► egress    may this URL be asked?      (scheme, port, name, credentials, numeric address)
                     resolver  where is it?                (once; overrides, hosts file, DNS)
                     egress    may we go there?            (every answer; one bad one blocks the name)
                     dial      connect to that address     (TLS always verified; proxy: a second way out)
                     wire      one request, one answer     (exact bytes; head, body and time bounded)
                   ─► Exchange | Fault                     (exchange.py: values only)

coding      content codings of an exchange, decoded within 2 MiB
transport   the same door for who speaks httpx: webhooks, Slack, mementos
"""
