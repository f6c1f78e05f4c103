"""A ladder of small GPTs on real text, trained to show a scaling law end to end.

`cells` says which models are trained, `corpus` on what, `training` trains one, `running` two at a time, `demo` the whole of it.
"""
