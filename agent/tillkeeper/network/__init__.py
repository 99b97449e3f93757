"""Says what broke in the network: plan -> probe -> evidence -> verdict. Everything here but `prober` and `deep` is pure."""
