"""What a change is measured from: the live endpoints, the state of the stack, or the specs of a git revision.

service ─live→ Change     export ─state→ Change     git ─revision→ Change     (`hfdeploy.review.Change`)

All three compare by `hfdeploy.diff`, and the state by the very functions that answer the engine's diff, so that what a
plan announces is what `pulumi preview` shows and what is sent. Nothing here changes anything anywhere. The
parts are imported one by one: only those that know the state load Pulumi's SDK.
"""
