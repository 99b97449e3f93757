"""What befalls the booted store. Each scene takes it as the one before has left it, and leaves a store that sells."""
