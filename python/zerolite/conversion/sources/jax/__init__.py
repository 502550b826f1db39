"""JAX functions as sources, through jax.export and jax2tf."""
