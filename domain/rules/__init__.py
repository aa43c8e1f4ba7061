"""Pure rules: values in, values out. Time (`now`, in seconds of a steady clock) and chance (`jitter`) are arguments."""
