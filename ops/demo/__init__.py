"""`botloft demo`: a sandbox, a gateway and traffic with faults in it, to be watched."""

from ops.demo.show import HINTS_AFTER_S, demo

__all__ = ["HINTS_AFTER_S", "demo"]
