"""What can be converted, and by whom: targets, converters, and the packs that bring them."""
