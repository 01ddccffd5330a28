"""The containers behind endpoints: one module per engine, each with its own routes, framing and errors."""
