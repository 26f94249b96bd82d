"""An approval policy in Python: the riskier a change, the more people have to approve it."""
