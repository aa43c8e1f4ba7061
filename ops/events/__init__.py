"""`botloft events tail | export`: the log of a running gateway, over HTTP."""
