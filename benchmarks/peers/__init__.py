"""The platforms OpenCCP is measured beside, as their authors publish them."""
